"""Screening: what came in goes on its way, in batches, each lead once, and none held up by another."""

from base64 import b64decode
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from chassis.causation import Cause, caused_by
from chassis.clock import FixedClock
from chassis.outbox import unpack_headers
from contracts.envelope import decode_body, from_headers
from contracts.intake import LeadCreated, LeadKeyCreated
from services.intake.commands.batch import Batch
from services.intake.commands.leads.taking import take_lead
from services.intake.commands.screening import Screener, Step, is_of_the_leads
from services.intake.measures import measure_screening
from services.intake.queries import screening
from tests.intake.samples import NOW, rows, screened, someone, taking, working_source
from tests.kit.databases import RolledBackDatabase
from tests.kit.metrics import gauge
from tests.kit.sealed import unsealed
from tests.kit.statements import statements_of

EVENTS = "SELECT key, headers, body FROM outbox WHERE topic = 'intake.leads' ORDER BY id"
STEPS = "SELECT lead_id, from_status, to_status, changed_at FROM lead_status_changes"


# Five hundred in earnest, which takes longer than a statement may on a machine with much other work.
AT_ONCE = 5


async def received(database: RolledBackDatabase, number: int = 1) -> list[UUID]:
    _, source = await working_source(database)
    return [(await take_lead(database, taking(source, f"key-{i}", someone(i)))).lead_id for i in range(number)]


async def by_status(database: RolledBackDatabase) -> dict[UUID, tuple[str, int]]:
    return {row["id"]: (row["status"], row["version"]) for row in await rows(database, "SELECT * FROM leads")}


async def all_steps(screener: Screener) -> int:
    """How many it took until there was nothing more to do."""
    number = 0
    while await screener.step():
        number += 1
    return number


def failing_for(*names: str) -> Step:
    """Fails as code does: for some leads, with what a person told in the message."""

    async def step(_session: AsyncSession, batch: Batch) -> None:
        for arrival in batch.arrivals:
            if arrival.name in names:
                raise KeyError(arrival.name)

    return step


class TestLettingIn:
    async def test_makes_a_lead_routable_and_publishes_it(self, database: RolledBackDatabase) -> None:
        (lead_id,) = await received(database)
        assert await Screener(database, FixedClock(NOW + timedelta(seconds=2))).step()
        assert await by_status(database) == {lead_id: ("routable", 1)}
        (step,) = await rows(database, STEPS)
        assert step == {
            "lead_id": lead_id,
            "from_status": "received",
            "to_status": "routable",
            "changed_at": NOW + timedelta(seconds=2),
        }
        (event,) = await rows(database, EVENTS)
        created = decode_body(LeadCreated, event["body"])
        assert (event["key"].decode(), created.lead_id) == (str(lead_id), lead_id)
        assert created.sealed_contact is not None
        (key,) = await rows(database, "SELECT key FROM lead_keys")
        person = unsealed(created.sealed_contact, lead_id, key["key"])
        assert (person.phone, created.contact, created.location.postcode) == ("+61413000000", None, "2204")
        assert created.received_at == NOW

    async def test_gives_it_a_key_that_is_told_apart_from_it(self, database: RolledBackDatabase) -> None:
        lead_ids = await received(database, 3)
        await screened(database)
        told = await rows(
            database, "SELECT key, headers, body FROM outbox WHERE topic = 'intake.lead_keys' ORDER BY id"
        )
        keys = {row["lead_id"]: row["key"] for row in await rows(database, "SELECT lead_id, key FROM lead_keys")}
        events = [decode_body(LeadKeyCreated, row["body"]) for row in told]
        assert {event.lead_id: b64decode(event.key_base64) for event in events} == keys
        assert len(set(keys.values())) == len(keys) == len(lead_ids)
        assert {from_headers(unpack_headers(row["headers"])).aggregate_version for row in told} == {1}

    async def test_its_event_follows_from_the_request_that_handed_it_in(self, database: RolledBackDatabase) -> None:
        _, source = await working_source(database)
        traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        for number in range(2):
            with caused_by(Cause(f"request-{number}", None, traceparent)):
                await take_lead(database, taking(source, f"key-{number}"))
        await take_lead(database, taking(source, "of nobody's request"))
        await screened(database)
        told = [from_headers(unpack_headers(event["headers"])) for event in await rows(database, EVENTS)]
        assert [(each.correlation_id, each.traceparent) for each in told] == [
            ("request-0", traceparent),
            ("request-1", traceparent),
            (str(told[2].id), None),
        ]
        assert {(each.aggregate_version, each.causation_id) for each in told} == {(1, None)}

    async def test_no_step_comes_before_the_lead_did(self, database: RolledBackDatabase) -> None:
        """The clock of the machine that took it in is ahead of the screener's."""
        await received(database)
        await screened(database, NOW - timedelta(milliseconds=80))
        (step,) = await rows(database, STEPS)
        assert step["changed_at"] == NOW

    async def test_there_is_nothing_more_to_do_once_all_are_in(
        self, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        await received(database, 3)
        screener = Screener(database, clock)
        assert [await screener.step() for _ in range(3)] == [True, False, False]
        assert len(await rows(database, EVENTS)) == 3

    async def test_takes_so_many_at_once_and_the_rest_after_them(
        self, database: RolledBackDatabase, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(screening, "_NEXT", screening._NEXT.limit(AT_ONCE))
        lead_ids = await received(database, AT_ONCE + 1)
        screener = Screener(database, clock)
        await screener.step()
        (left,) = [lead_id for lead_id, (status, _) in (await by_status(database)).items() if status == "received"]
        assert left == max(lead_ids)
        assert await all_steps(screener) == 1

    @pytest.mark.parametrize("number", [1, 2, 200])
    async def test_takes_the_same_statements_whatever_the_number(
        self, database: RolledBackDatabase, clock: FixedClock, number: int
    ) -> None:
        await received(database, number)
        with statements_of(database.connection.sync_connection) as statements:
            await Screener(database, clock).step()
        assert len(statements) == 10
        assert {status for status, _ in (await by_status(database)).values()} == {"routable"}


class TestSteps:
    async def test_are_handed_the_batch_by_id_and_one_after_another(
        self, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        lead_ids = await received(database, 4)
        seen: list[tuple[str, list[UUID]]] = []

        def noting(name: str) -> Step:
            async def step(_session: AsyncSession, batch: Batch) -> None:
                seen.append((name, [arrival.id for arrival in batch.arrivals]))

            return step

        await Screener(database, clock, [noting("index"), noting("judge")]).step()
        assert seen == [("index", sorted(lead_ids)), ("judge", sorted(lead_ids))]

    async def test_what_one_holds_waits_for_an_operator_and_nobody_hears_of_it(
        self, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        first, second = await received(database, 2)

        async def hold_the_second(_session: AsyncSession, batch: Batch) -> None:
            batch.hold(second)

        await Screener(database, clock, [hold_the_second]).step()
        assert await by_status(database) == {first: ("routable", 1), second: ("duplicate_review", 0)}
        assert [event["key"].decode() for event in await rows(database, EVENTS)] == [str(first)]
        assert {step["lead_id"]: step["to_status"] for step in await rows(database, STEPS)} == {
            first: "routable",
            second: "duplicate_review",
        }


class TestALeadThatFails:
    async def test_stops_none_of_the_others(self, database: RolledBackDatabase, clock: FixedClock) -> None:
        lead_ids = await received(database, 9)
        screener = Screener(database, clock, [failing_for("Person 2", "Person 7")])
        await all_steps(screener)
        statuses = await by_status(database)
        assert [statuses[lead_id][0] for lead_id in lead_ids] == [
            "received" if number in (2, 7) else "routable" for number in range(9)
        ]
        assert len(await rows(database, EVENTS)) == 7
        kept = await rows(database, "SELECT lead_id, fault, attempts FROM screening_faults ORDER BY lead_id")
        assert kept == [{"lead_id": lead_ids[n], "fault": "KeyError", "attempts": 1} for n in (2, 7)]

    async def test_one_that_came_later_is_not_held_up_by_it(
        self, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        await received(database)
        screener = Screener(database, clock, [failing_for("Person 0")])
        await all_steps(screener)
        _, source = await working_source(database, "Another")
        later = await take_lead(database, taking(source))
        assert await all_steps(screener) == 1
        assert (await by_status(database))[later.lead_id][0] == "routable"

    async def test_is_told_by_its_id_alone(self, database: RolledBackDatabase, clock: FixedClock) -> None:
        (lead_id,) = await received(database)
        with capture_logs() as logged:
            await all_steps(Screener(database, clock, [failing_for("Person 0")]))
        (line,) = [line for line in logged if line["event"] == "lead_set_aside"]
        assert (line["lead_id"], line["fault"], line["log_level"]) == (str(lead_id), "KeyError", "error")
        (kept,) = await rows(database, "SELECT fault FROM screening_faults")
        assert "Person" not in kept["fault"]

    async def test_is_tried_again_apart_from_the_others_once_it_is_due_and_goes_in_once_it_can(
        self, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        failed, _ = await received(database, 2)
        await all_steps(Screener(database, clock, [failing_for("Person 0")]))
        mended = Screener(database, clock)
        assert await all_steps(mended) == 0
        await self.make_due(database)
        _, source = await working_source(database, "Another")
        await take_lead(database, taking(source))
        assert await mended.step()
        assert [status for status, _ in (await by_status(database)).values()].count("received") == 1
        assert (await by_status(database))[failed] == ("routable", 1)
        assert await rows(database, "SELECT 1 FROM screening_faults") == []

    async def test_all_that_failed_go_in_together_once_the_fault_is_mended(
        self, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        """As after a release that failed at every lead."""
        await received(database, 12)
        await all_steps(Screener(database, clock, [failing_for(*(f"Person {number}" for number in range(12)))]))
        assert len(await rows(database, "SELECT 1 FROM screening_faults")) == 12
        await self.make_due(database)
        assert await all_steps(Screener(database, clock)) == 1
        assert {status for status, _ in (await by_status(database)).values()} == {"routable"}
        assert len(await rows(database, EVENTS)) == 12

    async def test_each_try_waits_twice_as_long_as_the_one_before_and_ten_minutes_at_most(
        self, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        await received(database)
        screener = Screener(database, clock, [failing_for("Person 0")])
        waits = []
        for _ in range(6):
            await all_steps(screener)
            (kept,) = await rows(database, "SELECT next_at - failed_at AS wait FROM screening_faults")
            waits.append(kept["wait"] / timedelta(minutes=1))
            await self.make_due(database)
        assert waits == [1, 2, 4, 8, 10, 10]

    async def make_due(self, database: RolledBackDatabase) -> None:
        async with database.transaction() as session:
            await session.execute(text("UPDATE screening_faults SET next_at = now()"))

    async def test_is_seen_in_the_gauges(self, database: RolledBackDatabase, clock: FixedClock) -> None:
        await received(database, 3)
        await all_steps(Screener(database, clock, [failing_for("Person 1")]))
        clock.advance(timedelta(minutes=7))
        async with database.reading() as session:
            await measure_screening(clock)(session)
        assert gauge("waybill_leads_unscreened") == 1
        assert gauge("waybill_leads_unscreened_oldest_age_seconds") == 7 * 60
        assert gauge("waybill_leads_screening_failed") == 1
        await self.make_due(database)
        await screened(database)
        async with database.reading() as session:
            await measure_screening(clock)(session)
        assert gauge("waybill_leads_unscreened") == gauge("waybill_leads_screening_failed") == 0
        assert gauge("waybill_leads_unscreened_oldest_age_seconds") == 0


class TestAFaultThatPasses:
    async def test_is_no_leads_and_all_is_tried_again(self, database: RolledBackDatabase, clock: FixedClock) -> None:
        await received(database, 3)
        away = [True]

        async def be_away(_session: AsyncSession, _batch: Batch) -> None:
            if away:
                raise ConnectionResetError

        screener = Screener(database, clock, [be_away])
        with pytest.raises(ConnectionResetError):
            await screener.step()
        away.clear()
        assert await all_steps(screener) == 1
        assert {status for status, _ in (await by_status(database)).values()} == {"routable"}

    async def test_where_nothing_was_in_hand_it_is_the_loops_to_tell(
        self, database: RolledBackDatabase, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(_session: AsyncSession) -> None:
            raise KeyError

        monkeypatch.setattr("services.intake.queries.take_turn", fail)
        with pytest.raises(KeyError):
            await Screener(database, clock).step()

    async def test_a_statement_that_runs_too_long_may_be_one_leads_fault(self, database: RolledBackDatabase) -> None:
        """Or it would be tried with all the others for ever."""
        async with database.reading() as session:
            await session.execute(text("SET LOCAL statement_timeout = '20ms'"))
            with pytest.raises(DBAPIError) as cancelled:
                await session.execute(text("SELECT pg_sleep(10)"))
        assert is_of_the_leads(cancelled.value)

    async def test_no_statement_of_screening_runs_longer_than_a_process_may_stand_still(
        self, database: RolledBackDatabase, clock: FixedClock
    ) -> None:
        await received(database)
        told: list[str] = []

        async def ask(session: AsyncSession, _batch: Batch) -> None:
            told.append((await session.scalars(text("SHOW statement_timeout"))).one())

        await Screener(database, clock, [ask]).step()
        assert told == ["5s"]
