"""Dispatching leads as they arrive, on a real database."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.causation import Cause
from chassis.outbox import unpack_headers
from contracts.routing import AssignmentCreated, DispatchDecided, DispatchExceptionRaised
from contracts.values import AustralianState, InstallerStatus
from services.routing.commands.auto_dispatch import SwitchAutoDispatch, switch_auto_dispatch
from services.routing.commands.installers import change_particulars
from services.routing.domain.eligibility import RULE_SET_VERSION
from services.routing.domain.profile import Territory
from services.routing.domain.states import AssignmentStatus, CapState, DispatchStatus, ExceptionReason, Trigger
from services.routing.domain.windows import Limits
from tests.routing.arrangements import (
    EXCLUSIVE,
    FREMANTLE,
    MARRICKVILLE,
    MIA,
    NOW,
    ROBIN,
    SHARED,
    Floor,
    lead,
    leads,
    postcode_range,
    postcodes,
    types_of,
)


async def switch_off(floor: Floor) -> None:
    async with floor.database.transaction() as session:
        await switch_auto_dispatch(session, SwitchAutoDispatch(False, "maintenance", ROBIN), NOW)


class TestOneLead:
    async def test_gives_an_exclusive_lead_to_one_installer(self, floor: Floor) -> None:
        await floor.installers(4)
        await floor.dispatch(arrived := lead(EXCLUSIVE))
        [assignment] = await floor.assignments(arrived.lead_id)
        assert (assignment.status, assignment.cap_state) == (AssignmentStatus.PENDING, CapState.RESERVED)
        assert (assignment.share_no, assignment.created_at) == (1, NOW)

    async def test_gives_a_shared_lead_to_three(self, floor: Floor) -> None:
        await floor.installers(4)
        await floor.dispatch(arrived := lead(SHARED))
        made = await floor.assignments(arrived.lead_id)
        assert len({assignment.installer_id for assignment in made}) == 3
        assert sorted(assignment.share_no for assignment in made) == [1, 2, 3]

    async def test_gives_a_shared_lead_to_two_where_there_are_two(self, floor: Floor) -> None:
        await floor.installers(2)
        await floor.installer(status=InstallerStatus.PAUSED)
        await floor.dispatch(arrived := lead(SHARED))
        [decision] = await floor.decisions(arrived.lead_id)
        assert (decision.wanted_count, decision.chosen_count) == (3, 2)
        assert decision.shortfall == "too_few_are_eligible"
        assert decision.summary == "given to 2 of 3; of 3 candidates not eligible: status 1"
        assert await floor.exceptions() == []

    async def test_publishes_what_is_needed_to_mail_it(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(arrived := lead())
        [created] = await floor.events("assignment.created")
        assert created == AssignmentCreated(
            assignment_id=(await floor.only_assignment()).id,
            lead_id=arrived.lead_id,
            installer_id=installer_id,
            installer_name="Southern Sun Solar",
            deliver_to="leads@southernsun.example",
            selected_path=EXCLUSIVE,
            service="solar-battery",
            location=MARRICKVILLE,
            contact=MIA,
            channel="mail",
            created_at=NOW,
        )

    async def test_publishes_the_decision_of_the_lead(self, floor: Floor) -> None:
        await floor.installers(2)
        await floor.dispatch(arrived := lead(SHARED))
        [(version, decided)] = await floor.published("dispatch.decided")
        assert isinstance(decided, DispatchDecided)
        assert version == 1
        assert set(decided.assignment_ids) == {made.id for made in await floor.assignments()}
        assert (decided.lead_id, decided.attempt_no, decided.candidates_count) == (arrived.lead_id, 1, 2)

    async def test_names_the_event_that_led_to_it(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead(cause=Cause("correlation", "caused-by-this")))
        rows = await floor.rows("SELECT headers FROM outbox ORDER BY id")
        causes = [dict(unpack_headers(row["headers"])) for row in rows[1:]]
        assert [(cause["ce_causationid"], cause["ce_correlationid"]) for cause in causes] == [
            (b"caused-by-this", b"correlation"),
            (b"caused-by-this", b"correlation"),
        ]

    async def test_reserves_a_place_in_every_window(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(lead())
        assert await floor.counts(installer_id) == {"day": (1, 0), "week": (1, 0), "month": (1, 0)}

    async def test_keeps_the_person_in_one_table_alone(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        tables = await floor.rows(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'outbox' ORDER BY 1"
        )
        holding = [
            row["tablename"]
            for row in tables
            if (await floor.rows(f"SELECT count(*) AS n FROM {row['tablename']} AS t WHERE t::text LIKE '%Mia O%'"))[0][
                "n"
            ]
        ]
        assert holding == ["lead_contacts"]

    async def test_is_done_once_for_the_same_lead(self, floor: Floor) -> None:
        await floor.installers(3)
        arrived = lead()
        await floor.dispatch(arrived, arrived)
        await floor.dispatch(arrived)
        assert len(await floor.assignments()) == 1
        assert len(await floor.decisions(arrived.lead_id)) == 1


class TestDecisionRecord:
    async def test_keeps_every_candidate_with_what_was_compared(self, floor: Floor) -> None:
        chosen = await floor.installer(Limits(month=5), name="Chosen")
        full = await floor.installer(Limits(day=0), name="Full")
        other_trade = await floor.installer(name="Roofer", services=("roofing",))
        await floor.dispatch(arrived := lead())
        [decision] = await floor.decisions(arrived.lead_id)
        candidates = {candidate["installer_name"]: candidate for candidate in decision.candidates}
        assert decision.trigger is Trigger.AUTO
        assert decision.rule_set_version == RULE_SET_VERSION
        assert {name: c["installer_id"] for name, c in candidates.items()} == {
            "Chosen": str(chosen),
            "Full": str(full),
            "Roofer": str(other_trade),
        }
        assert (candidates["Chosen"]["is_chosen"], candidates["Chosen"]["rank"]) == (True, 1)
        assert (candidates["Full"]["obstacle"], candidates["Roofer"]["obstacle"]) == ("cap_day", "service")
        assert verdict(candidates["Chosen"], "cap_month")["compared"] == {
            "limit": 5,
            "used": 0,
            "reserved": 0,
            "window_start": "2026-02-28T13:00:00+00:00",
        }
        assert candidates["Chosen"]["time_zone"] == "Australia/Sydney"
        assert verdict(candidates["Roofer"], "service") == {
            "rule": "service",
            "passed": False,
            "reason_code": "service_not_offered",
            "compared": {"wanted": "solar-battery", "offered": ["roofing"]},
        }

    async def test_measures_the_latency_from_the_receipt(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead(received_at=NOW - timedelta(milliseconds=1250)))
        [decision] = await floor.decisions(arrived.lead_id)
        assert decision.latency_ms == 1250

    async def test_says_by_which_part_of_the_territory_a_place_is_covered(self, floor: Floor) -> None:
        by_postcode = postcodes("2204", "2205")
        everything = Territory(
            states=frozenset({AustralianState.NSW}),
            ranges=postcode_range("2000", "2234").ranges,
            postcodes=frozenset(),
        )
        await floor.installer(territory=by_postcode, name="Postcode")
        await floor.installer(territory=everything, name="Range")
        await floor.installer(name="State")
        await floor.dispatch(arrived := lead())
        [decision] = await floor.decisions(arrived.lead_id)
        matched = {c["installer_name"]: verdict(c, "territory")["compared"]["matched"] for c in decision.candidates}
        assert matched == {"Postcode": "2204", "Range": "2000-2234", "State": "NSW"}

    async def test_matches_a_postcode_with_a_leading_zero(self, floor: Floor) -> None:
        darwin = MARRICKVILLE.model_copy(update={"state": AustralianState.NT, "postcode": "0800"})
        await floor.installer(territory=postcode_range("0800", "0832"))
        await floor.dispatch(arrived := lead(location=darwin))
        assert len(await floor.assignments(arrived.lead_id)) == 1


def verdict(candidate: dict[str, Any], rule: str) -> dict[str, Any]:
    [found] = [verdict for verdict in candidate["verdicts"] if verdict["rule"] == rule]
    return dict(found)


class TestExceptions:
    async def test_waits_where_auto_dispatch_is_off(self, floor: Floor) -> None:
        await floor.installer()
        await switch_off(floor)
        await floor.dispatch(arrived := lead())
        item = await floor.only_exception()
        assert (item.lead_id, item.reason) == (arrived.lead_id, ExceptionReason.AUTO_DISPATCH_OFF)
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.EXCEPTION
        assert await floor.decisions(arrived.lead_id) == []
        assert types_of(await floor.events())[1:] == ["routing.policy_changed", "dispatch.exception_raised"]

    async def test_waits_where_nobody_covers_the_place(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead(location=FREMANTLE))
        item = await floor.only_exception()
        assert (item.reason, item.detail) == (
            ExceptionReason.NO_COVERAGE,
            "no installer covers 6160 WA",
        )
        [decision] = await floor.decisions(arrived.lead_id)
        assert (decision.chosen_count, decision.shortfall) == (0, "nobody_covers_the_location")

    async def test_waits_where_nobody_is_eligible_and_says_why(self, floor: Floor) -> None:
        await floor.installer(Limits(month=0))
        await floor.installer(Limits(month=0))
        await floor.installer(status=InstallerStatus.SUSPENDED)
        await floor.dispatch(lead(SHARED))
        item = await floor.only_exception()
        assert item.detail == "given to 0 of 3; of 3 candidates not eligible: cap_month 2, status 1"

    async def test_publishes_the_decision_before_the_exception(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead())
        [(first, decided), (second, raised)] = await floor.published()
        assert isinstance(decided, DispatchDecided)
        assert decided.assignment_ids == ()
        assert isinstance(raised, DispatchExceptionRaised)
        assert (first, second) == (1, 2)
        assert (raised.lead_id, raised.reason_code) == (arrived.lead_id, "no_coverage")

    async def test_waits_where_the_person_is_not_known(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead(contact=None))
        assert (await floor.only_exception()).reason is ExceptionReason.CONTACT_MISSING
        assert await floor.assignments() == []


class TestManyLeads:
    @pytest.mark.parametrize("number", [1, 2, 7, 200])
    async def test_goes_round_whatever_the_size_of_the_batch(self, floor: Floor, number: int) -> None:
        installers = await floor.installers(5)
        await floor.dispatch(*leads(number))
        given = await floor.given()
        shares = [given[installer_id] for installer_id in installers]
        assert sum(shares) == number
        assert max(shares) - min(shares) <= 1

    async def test_goes_on_round_from_batch_to_batch(self, floor: Floor) -> None:
        await floor.installers(4)
        for _ in range(6):
            await floor.dispatch(*leads(2))
        assert set((await floor.given()).values()) == {3}

    async def test_fills_caps_evenly_and_never_beyond(self, floor: Floor) -> None:
        small = await floor.installer(Limits(month=10))
        large = await floor.installer(Limits(month=30))
        await floor.dispatch(*leads(20))
        assert await floor.given() == {small: 5, large: 15}
        await floor.dispatch(*leads(30))
        assert await floor.given() == {small: 10, large: 30}
        assert len(await floor.exceptions()) == 10

    async def test_an_uncapped_installer_neither_starves_nor_is_starved(self, floor: Floor) -> None:
        capped = await floor.installer(Limits(month=10))
        uncapped = await floor.installer()
        await floor.dispatch(*leads(16))
        assert await floor.given() == {capped: 8, uncapped: 8}

    async def test_decides_the_same_for_the_same_leads(self, floor: Floor) -> None:
        await floor.installers(3)
        arrived = leads(9, SHARED)
        await floor.dispatch(*arrived)
        for each in arrived:
            [decision] = await floor.decisions(each.lead_id)
            ranks = [candidate["rank"] for candidate in decision.candidates]
            assert ranks == [1, 2, 3]

    async def test_starts_a_new_window_at_the_installers_midnight(self, floor: Floor) -> None:
        perth = await floor.installer(Limits(day=1), time_zone="Australia/Perth")
        await floor.dispatch(*leads(2))
        floor.clock.advance(timedelta(hours=13, minutes=44))  # 23:59 in Perth, long past midnight in Sydney
        await floor.dispatch(lead())
        assert await floor.given() == {perth: 1}
        floor.clock.advance(timedelta(minutes=2))
        await floor.dispatch(lead())
        assert await floor.given() == {perth: 2}


class TestAZoneThatTheDatabaseHasNoMore:
    """As after an update of tzdata: what was a zone when it was set is a word now."""

    @staticmethod
    async def lose_its_zone(floor: Floor, installer_id: UUID) -> None:
        async with floor.database.transaction() as session:
            update = text("UPDATE installers SET time_zone = 'Mars/Olympus', version = version + 1 WHERE id = :id")
            await session.execute(update, {"id": installer_id})
            lost = text(
                """
                INSERT INTO installer_versions
                SELECT installer_id, version + 1, replace(profile::text, 'Australia/Sydney', 'Mars/Olympus')::json,
                    changed_at
                FROM installer_versions WHERE installer_id = :id
                """
            )
            await session.execute(lost, {"id": installer_id})

    async def test_keeps_its_installer_from_leads_and_says_why(self, floor: Floor) -> None:
        lost, other = await floor.installers(2)
        await self.lose_its_zone(floor, lost)
        arrived = leads(3)
        await floor.dispatch(*arrived)
        assert await floor.given() == {other: 3}
        [decision] = await floor.decisions(arrived[0].lead_id)
        [told] = [candidate for candidate in decision.candidates if candidate["installer_id"] == str(lost)]
        codes = {verdict["rule"]: verdict["reason_code"] for verdict in told["verdicts"]}
        assert (told["obstacle"], codes["cap_day"]) == ("cap_day", "time_zone_unknown")

    async def test_leaves_a_lead_that_nobody_else_covers_to_an_operator(self, floor: Floor) -> None:
        await self.lose_its_zone(floor, await floor.installer())
        await floor.dispatch(lead())
        assert (await floor.only_exception()).detail.endswith("not eligible: cap_day 1")

    async def test_is_set_anew_and_all_that_was_taken_counts_again(self, floor: Floor) -> None:
        lost = await floor.installer(Limits(month=2))
        await floor.dispatch(lead())
        await self.lose_its_zone(floor, lost)
        async with floor.database.transaction() as session:
            await change_particulars(session, lost, {"time_zone": "Australia/Perth"}, ROBIN, NOW)
        await floor.deliver((await floor.only_assignment()).id)
        assert await floor.counts(lost) == {"day": (0, 1), "week": (0, 1), "month": (0, 1)}
