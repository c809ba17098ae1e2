"""What the exception queue does by itself, each thing once: it tries again, calls somebody, puts cold leads aside."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.routing import DispatchExceptionEscalated
from contracts.values import InstallerStatus
from deploy.local.postgres import ServiceDatabase
from services.routing.commands.assignments import CancelAssignment, cancel_assignment
from services.routing.commands.auto_dispatch import SwitchAutoDispatch, switch_auto_dispatch
from services.routing.commands.owning import ClaimException, UnassignException, claim_exception, unassign_exception
from services.routing.commands.snoozing import SnoozeException, snooze_exception
from services.routing.domain.policies import DEFAULT_CARE, Care, OrderingPolicy, QueuePolicy
from services.routing.domain.states import CancelReason, DispatchStatus, ExceptionReason, Resolution, Trigger
from services.routing.domain.windows import Limits
from services.routing.retries import QueueKeeper
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, Floor, Person, committing, lead, leads

SAM = Person(new_id(), "Sam Reed")
MIDNIGHT = NOW.replace(hour=13, minute=0, second=0)
"""In Sydney."""
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


def keeper(floor: Floor) -> QueueKeeper:
    return QueueKeeper(floor.database, floor.clock)


async def retried(floor: Floor) -> int:
    """All that is due by now; how often it was tried."""
    number = 0
    while await keeper(floor).retry():
        number += 1
    return number


async def escalated(floor: Floor) -> None:
    while await keeper(floor).escalate():
        pass


async def failed(floor: Floor) -> UUID:
    """The lead of an installer whose mail was refused; another installer could have it."""
    await floor.installers(2)
    await floor.dispatch(arrived := lead())
    await floor.refuse_mail((await floor.only_assignment()).id)
    return arrived.lead_id


class TestRetries:
    async def test_gives_the_lead_to_the_next_once_it_is_due(self, floor: Floor) -> None:
        lead_id = await failed(floor)
        item = await floor.only_exception()
        assert (item.next_retry_at, item.retries_left) == (NOW + 2 * MINUTE, 3)
        assert await retried(floor) == 0
        floor.clock.advance(2 * MINUTE)
        assert await retried(floor) == 1
        [after] = await floor.exceptions()
        assert (after.resolution, after.resolved_by) == (Resolution.RETRIED, "system")
        first, second = await floor.assignments()
        assert first.installer_id != second.installer_id
        assert (await floor.decisions(lead_id))[1].trigger is Trigger.SCHEDULED
        assert (await floor.dispatch_of(lead_id)).status is DispatchStatus.DISPATCHING
        assert "retry_dispatch" in await floor.audited()

    async def test_stops_with_its_budget_and_keeps_no_record_of_the_same_again(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await floor.refuse_mail((await floor.only_assignment()).id)
        tries = 0
        for _ in range(40):
            floor.clock.advance(HOUR)
            tries += await retried(floor)
        item = await floor.only_exception()
        assert (item.reason, item.retries_left, item.next_retry_at) == (ExceptionReason.NO_ELIGIBLE_INSTALLER, 0, None)
        assert tries == 1 + DEFAULT_CARE[ExceptionReason.NO_ELIGIBLE_INSTALLER].budget
        assert len(await floor.decisions(arrived.lead_id)) == 2
        assert item.waits_since == NOW

    async def test_waits_for_the_instant_at_which_a_cap_has_room(self, floor: Floor) -> None:
        installer_id = await floor.installer(Limits(day=1))
        await floor.dispatch(*leads(2))
        item = await floor.only_exception()
        assert (item.reason, item.next_retry_at) == (
            ExceptionReason.ALL_AT_CAP,
            NOW.replace(hour=13, minute=0, second=0),
        )
        floor.clock.advance(HOUR)
        assert await retried(floor) == 0
        floor.clock.advance(10 * HOUR)
        assert await retried(floor) == 1
        assert (await floor.given())[installer_id] == 2

    async def test_gives_what_waited_slowly_and_keeps_the_budget_of_the_rest(self, floor: Floor) -> None:
        installer_id = await floor.installer(status=InstallerStatus.PAUSED)
        await floor.policy(OrderingPolicy(backlog_per_hour=2))
        await floor.dispatch(*leads(5))
        await floor.changed(installer_id, status=InstallerStatus.ACTIVE)
        floor.clock.advance(HOUR)
        await retried(floor)
        assert (await floor.given())[installer_id] == 2
        waiting = await floor.exceptions(is_open=True)
        assert {(item.reason, item.retries_left) for item in waiting} == {(ExceptionReason.ALL_AWAY, 20)}
        floor.clock.advance(61 * MINUTE)
        await retried(floor)
        assert (await floor.given())[installer_id] == 4

    async def test_leaves_alone_what_sleeps_what_is_switched_off_and_what_was_taken_back_for_good(
        self, floor: Floor
    ) -> None:
        await failed(floor)
        item = await floor.only_exception()
        async with floor.database.transaction() as session:
            await snooze_exception(session, SnoozeException(item.id, NOW + HOUR, "rings back", ROBIN), NOW)
        floor.clock.advance(30 * MINUTE)
        assert await retried(floor) == 0
        floor.clock.advance(30 * MINUTE)
        async with floor.database.transaction() as session:
            await switch_auto_dispatch(session, SwitchAutoDispatch(False, "maintenance", ROBIN), NOW)
        assert await retried(floor) == 0
        async with floor.database.transaction() as session:
            await switch_auto_dispatch(session, SwitchAutoDispatch(True, "done", ROBIN), NOW)
        assert await retried(floor) == 1
        made = (await floor.assignments())[-1]
        async with floor.database.transaction() as session:
            command = CancelAssignment(made.id, CancelReason.LEAD_WITHDRAWN, None, ROBIN)
            await cancel_assignment(session, command, floor.clock.now())
        assert (await floor.only_exception()).next_retry_at is None

    async def test_an_erased_person_is_not_tried_again(self, floor: Floor) -> None:
        lead_id = await failed(floor)
        await floor.rows_changed("DELETE FROM lead_contacts WHERE lead_id = :id", id=lead_id)
        floor.clock.advance(2 * MINUTE)
        assert await retried(floor) == 1
        assert (await floor.only_exception()).next_retry_at is None

    async def test_one_at_which_it_breaks_does_not_keep_the_others_waiting(
        self, fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock
    ) -> None:
        given = fresh_database("routing")
        async with committing(given, clock) as floor:
            await floor.installers(2)
            first, second = lead(), lead()
            for arrived in (first, second):
                await floor.dispatch(arrived)
            await floor.refuse_mail(*[made.id for made in await floor.assignments()])
            owner = await asyncpg.connect(given.owner_url)
            await owner.execute(
                "ALTER TABLE decisions ADD CONSTRAINT refused "
                f"CHECK (trigger <> 'scheduled' OR lead_id <> '{first.lead_id}') NOT VALID"
            )
            await owner.close()
            clock.advance(2 * MINUTE)
            assert await retried(floor) == 2
            [waits] = await floor.exceptions(is_open=True)
            assert (waits.lead_id, waits.retries_left, waits.next_retry_at) == (
                first.lead_id,
                2,
                clock.now() + 4 * MINUTE,
            )


class TestColdLeads:
    async def test_what_waited_for_two_days_is_put_aside_and_not_given_away(self, floor: Floor) -> None:
        installer_id = await floor.installer(status=InstallerStatus.PAUSED)
        await floor.dispatch(arrived := lead())
        item = await floor.only_exception()
        async with floor.database.transaction() as session:
            await claim_exception(session, ClaimException(item.id, ROBIN), NOW)
        await floor.changed(installer_id, status=InstallerStatus.ACTIVE)
        floor.clock.advance(48 * HOUR)
        assert await retried(floor) == 0
        await escalated(floor)
        cold = await floor.only_exception()
        assert (cold.reason, cold.lead_id, cold.owner_name) == (
            ExceptionReason.GONE_STALE,
            arrived.lead_id,
            "Robin Field",
        )
        assert (cold.waits_since, cold.next_retry_at, cold.retries_left) == (NOW, None, 0)
        assert await floor.assignments() == []
        await escalated(floor)
        assert len(await floor.exceptions()) == 2

    async def test_what_waits_for_an_operator_anyway_stays_what_it_is(self, floor: Floor) -> None:
        await floor.dispatch(lead(location=FREMANTLE))
        floor.clock.advance(72 * HOUR)
        await escalated(floor)
        assert (await floor.only_exception()).reason is ExceptionReason.NO_COVERAGE


class TestEscalation:
    async def test_tells_of_it_once_and_gives_it_to_the_fallback_owner(self, floor: Floor) -> None:
        await floor.operator(SAM)
        await floor.policy(QueuePolicy(SAM.id))
        await failed(floor)
        floor.clock.advance(15 * MINUTE)
        await escalated(floor)
        await escalated(floor)
        item = await floor.only_exception()
        assert (item.owner_name, item.escalated_at) == ("Sam Reed", NOW + 15 * MINUTE)
        [event] = await floor.events("dispatch.exception_escalated")
        assert isinstance(event, DispatchExceptionEscalated)
        assert (event.kind, event.owner_name, event.reason_code) == ("alarming", "Sam Reed", "delivery_failed")
        assert (await floor.audited()).count("escalate_exception") == 1

    async def test_where_nobody_may_own_it_it_stays_nobodys_and_is_told_of(self, floor: Floor) -> None:
        await floor.dispatch(lead(location=FREMANTLE))
        floor.clock.advance(8 * HOUR)
        await escalated(floor)
        [event] = await floor.events("dispatch.exception_escalated")
        assert isinstance(event, DispatchExceptionEscalated)
        assert (event.owner_name, event.kind) == (None, "expected")

    async def test_nothing_is_nobodys_past_its_limit_where_there_is_a_fallback_owner(self, floor: Floor) -> None:
        await floor.operator(SAM)
        await floor.policy(QueuePolicy(SAM.id))
        await failed(floor)
        await floor.dispatch(lead(location=FREMANTLE), lead(contact=None))
        for _ in range(30):
            floor.clock.advance(30 * MINUTE)
            await retried(floor)
            await escalated(floor)
        assert {item.owner_name for item in await floor.exceptions(is_open=True)} == {"Sam Reed"}

    async def test_what_was_escalated_while_nobody_might_own_it_goes_to_who_comes(self, floor: Floor) -> None:
        await floor.dispatch(lead(location=FREMANTLE))
        floor.clock.advance(9 * HOUR)
        await escalated(floor)
        assert (await floor.only_exception()).owner_id is None
        await floor.operator(SAM)
        await escalated(floor)
        assert (await floor.only_exception()).owner_name == "Sam Reed"
        assert len(await floor.events("dispatch.exception_escalated")) == 1

    async def test_what_is_nobodys_again_is_escalated_again(self, floor: Floor) -> None:
        await floor.dispatch(lead(location=FREMANTLE))
        item = await floor.only_exception()
        floor.clock.advance(8 * HOUR)
        await escalated(floor)
        async with floor.database.transaction() as session:
            await claim_exception(session, ClaimException(item.id, ROBIN), floor.clock.now())
        async with floor.database.transaction() as session:
            await unassign_exception(session, UnassignException(item.id, None, ROBIN), floor.clock.now())
        floor.clock.advance(8 * HOUR)
        await escalated(floor)
        assert len(await floor.events("dispatch.exception_escalated")) == 2

    async def test_a_fallback_owner_who_has_left_is_nobody(self, floor: Floor) -> None:
        await floor.operator(SAM, is_active=False)
        await floor.policy(QueuePolicy(SAM.id))
        await floor.dispatch(lead(location=FREMANTLE))
        floor.clock.advance(8 * HOUR)
        await escalated(floor)
        assert (await floor.only_exception()).owner_id is None

    async def test_goes_by_the_policy_in_force(self, floor: Floor) -> None:
        care = Care(budget=1, first_retry_minutes=7, escalate_minutes=9, unowned_minutes=8)
        await floor.policy(QueuePolicy(None, dict(DEFAULT_CARE) | {ExceptionReason.DELIVERY_FAILED: care}))
        await failed(floor)
        item = await floor.only_exception()
        assert (item.next_retry_at, item.retries_left, item.escalate_at) == (NOW + 7 * MINUTE, 1, NOW + 8 * MINUTE)


class TestTwoWorkers:
    @pytest.fixture
    async def floor(self, fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock) -> AsyncIterator[Floor]:
        self.given = fresh_database("routing")
        async with committing(self.given, clock) as floor:
            yield floor

    async def arrange(self, floor: Floor) -> None:
        # Two failures each: a third would open their breakers.
        await floor.installers(15)
        await floor.dispatch(*leads(30))
        await floor.refuse_mail(*[made.id for made in await floor.assignments()])
        floor.clock.advance(HOUR)

    async def test_each_lead_is_tried_once(self, floor: Floor) -> None:
        await floor.policy(OrderingPolicy(backlog_per_hour=1_000))
        await self.arrange(floor)

        async def work() -> None:
            while await keeper(floor).retry() or await floor.rows(
                "SELECT 1 FROM dispatch_exceptions WHERE resolved_at IS NULL"
            ):
                pass

        await asyncio.gather(work(), work())
        rows = await floor.rows(
            "SELECT count(*) AS n, count(DISTINCT lead_id) AS leads FROM decisions WHERE trigger = 'scheduled'"
        )
        assert rows == [{"n": 30, "leads": 30}]
        assert (await floor.audited()).count("retry_dispatch") == 30

    async def test_each_item_is_escalated_once(self, floor: Floor) -> None:
        await self.arrange(floor)

        async def work() -> None:
            while await keeper(floor).escalate() or await floor.rows(
                "SELECT 1 FROM dispatch_exceptions WHERE escalated_at IS NULL"
            ):
                pass

        await asyncio.gather(work(), work())
        assert len(await floor.events("dispatch.exception_escalated")) == 30
        assert (await floor.audited()).count("escalate_exception") == 30

    @pytest.mark.parametrize("step", ["retry", "escalate"])
    async def test_one_that_is_killed_leaves_nothing_half_done(self, floor: Floor, step: str) -> None:
        await self.arrange(floor)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.routing.dying_keeper", self.given.url, step, floor.clock.now().isoformat()),
            cwd=ROOT,
        )
        assert await asyncio.wait_for(process.wait(), PATIENCE_SECONDS) == -9
        assert await floor.rows("SELECT 1 FROM decisions WHERE trigger = 'scheduled'") == []
        assert await floor.events("dispatch.exception_escalated") == []
        assert len(await floor.exceptions(is_open=True)) == 30
