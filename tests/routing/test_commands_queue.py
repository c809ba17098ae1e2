"""Who has an item of the exception queue, items that sleep, and leads that go to nobody."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.routing import DispatchRejected
from deploy.local.postgres import ServiceDatabase
from services.routing.commands.closing import CloseLead, close_leads
from services.routing.commands.owning import (
    ClaimException,
    HandOverException,
    UnassignException,
    claim_exception,
    hand_over_exception,
    unassign_exception,
)
from services.routing.commands.rejecting import RejectException, reject_exception
from services.routing.commands.snoozing import SnoozeException, WakeException, snooze_exception, wake_exception
from services.routing.domain.states import DispatchStatus, ExceptionReason, RejectReason, Resolution
from services.routing.errors import (
    ExceptionIsResolved,
    ExceptionOwnedByAnother,
    ExceptionSnoozed,
    HandOverNeedsNote,
    LeadHasInstaller,
    LeadIsClosed,
    NoSuchOperator,
    OperatorInactive,
    SnoozeNotAhead,
)
from services.routing.models import DispatchException
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, SHARED, Floor, Person, committing, lead, types_of

SAM = Person(new_id(), "Sam Reed")
HOUR = timedelta(hours=1)


async def waiting(floor: Floor) -> DispatchException:
    """Nobody covers it: expected, and for 8 hours nobody's at the most."""
    await floor.dispatch(lead(location=FREMANTLE))
    return await floor.only_exception()


async def claim(floor: Floor, item: DispatchException, by: Person = ROBIN) -> None:
    async with floor.database.transaction() as session:
        await claim_exception(session, ClaimException(item.id, by), floor.clock.now())


async def hand_over(
    floor: Floor, item: DispatchException, to: UUID, note: str | None = None, by: Person = ROBIN
) -> None:
    async with floor.database.transaction() as session:
        await hand_over_exception(session, HandOverException(item.id, to, note, by), floor.clock.now())


async def snooze(floor: Floor, item: DispatchException, until: datetime = NOW + 4 * HOUR) -> None:
    async with floor.database.transaction() as session:
        command = SnoozeException(item.id, until, "the owner rings back at noon", ROBIN)
        await snooze_exception(session, command, floor.clock.now())


async def reject(floor: Floor, item: DispatchException, note: str | None = None) -> None:
    async with floor.database.transaction() as session:
        command = RejectException(item.id, RejectReason.UNPLACEABLE, note, ROBIN)
        await reject_exception(session, command, floor.clock.now())


class TestClaim:
    async def test_gives_the_operator_the_time_that_the_policy_has(self, floor: Floor) -> None:
        before = await waiting(floor)
        assert before.escalate_at == NOW + 8 * HOUR
        floor.clock.advance(HOUR)
        await claim(floor, before)
        item = await floor.only_exception()
        assert (item.owner_id, item.owner_name, item.owned_since) == (ROBIN.id, "Robin Field", NOW + HOUR)
        assert item.escalate_at == NOW + 24 * HOUR

    async def test_twice_by_one_operator_is_once(self, floor: Floor) -> None:
        item = await waiting(floor)
        await claim(floor, item)
        await claim(floor, item)
        assert (await floor.audited()).count("claim_exception") == 1

    async def test_refuses_who_comes_second(self, floor: Floor) -> None:
        item = await waiting(floor)
        await claim(floor, item)
        with pytest.raises(ExceptionOwnedByAnother, match="Robin Field has it"):
            await claim(floor, item, SAM)

    async def test_refuses_what_is_resolved(self, floor: Floor) -> None:
        item = await waiting(floor)
        await reject(floor, item)
        with pytest.raises(ExceptionIsResolved):
            await claim(floor, item)


class TestHandOver:
    async def test_gives_what_nobody_has_without_a_word(self, floor: Floor) -> None:
        await floor.operator(SAM)
        item = await waiting(floor)
        await hand_over(floor, item, SAM.id)
        assert (await floor.only_exception()).owner_name == "Sam Reed"

    async def test_needs_a_note_where_somebody_has_it(self, floor: Floor) -> None:
        await floor.operator(SAM)
        item = await waiting(floor)
        await claim(floor, item)
        with pytest.raises(HandOverNeedsNote):
            await hand_over(floor, item, SAM.id)
        await hand_over(floor, item, SAM.id, "rang twice, nobody there")
        [entry] = await floor.rows("SELECT * FROM audit_entries WHERE action = 'hand_over_exception'")
        assert entry["before"] == {"owner": "Robin Field"}
        assert entry["after"] == {"owner": "Sam Reed", "at": "2026-03-03T02:15:04Z"}
        assert entry["reason_text"] == "rang twice, nobody there"

    async def test_refuses_who_is_not_known_and_who_is_gone(self, floor: Floor) -> None:
        await floor.operator(SAM, is_active=False)
        item = await waiting(floor)
        with pytest.raises(NoSuchOperator):
            await hand_over(floor, item, new_id())
        with pytest.raises(OperatorInactive):
            await hand_over(floor, item, SAM.id)

    async def test_unassigning_makes_it_nobodys_for_so_long_again(self, floor: Floor) -> None:
        item = await waiting(floor)
        await claim(floor, item)
        floor.clock.advance(2 * HOUR)
        async with floor.database.transaction() as session:
            await unassign_exception(session, UnassignException(item.id, "off sick", ROBIN), floor.clock.now())
        after = await floor.only_exception()
        assert (after.owner_id, after.owner_name, after.owned_since) == (None, None, None)
        assert after.escalate_at == NOW + 10 * HOUR


class TestSnooze:
    async def test_puts_it_off_and_counts_from_its_waking(self, floor: Floor) -> None:
        item = await waiting(floor)
        await snooze(floor, item)
        await snooze(floor, item)
        after = await floor.only_exception()
        assert (after.snoozed_until, after.snoozed_by) == (NOW + 4 * HOUR, "Robin Field")
        assert after.escalate_at == NOW + 28 * HOUR
        assert (await floor.audited()).count("snooze_exception") == 1

    async def test_gives_what_nobody_has_to_who_puts_it_off(self, floor: Floor) -> None:
        """No limit reaches what sleeps: somebody has to answer for it."""
        item = await waiting(floor)
        await snooze(floor, item)
        after = await floor.only_exception()
        assert (after.owner_id, after.owner_name, after.owned_since) == (ROBIN.id, "Robin Field", NOW)
        [entry] = await floor.rows("SELECT before, after FROM audit_entries WHERE action = 'snooze_exception'")
        assert (entry["before"]["owner"], entry["after"]["owner"]) == (None, "Robin Field")
        assert types_of(await floor.events())[-2:] == ["dispatch.exception_owner_changed", "dispatch.exception_snoozed"]

    async def test_leaves_what_somebody_has_to_them(self, floor: Floor) -> None:
        item = await waiting(floor)
        await claim(floor, item, SAM)
        await snooze(floor, item)
        assert (await floor.only_exception()).owner_name == "Sam Reed"

    async def test_wakes_what_is_nobodys_again(self, floor: Floor) -> None:
        item = await waiting(floor)
        await snooze(floor, item)
        async with floor.database.transaction() as session:
            await unassign_exception(session, UnassignException(item.id, "off sick", ROBIN), floor.clock.now())
        after = await floor.only_exception()
        assert (after.owner_id, after.snoozed_until, after.escalate_at) == (None, None, NOW + 8 * HOUR)
        assert types_of(await floor.events())[-2:] == ["dispatch.exception_owner_changed", "dispatch.exception_snoozed"]
        [entry] = await floor.rows("SELECT before, after FROM audit_entries WHERE action = 'unassign_exception'")
        assert entry["before"] == {"owner": "Robin Field", "snoozed_until": "2026-03-03T06:15:04Z"}
        assert (entry["after"]["owner"], entry["after"]["snoozed_until"]) == (None, None)

    async def test_refuses_another_time_while_it_sleeps_and_none_once_it_is_awake(self, floor: Floor) -> None:
        item = await waiting(floor)
        await snooze(floor, item)
        with pytest.raises(ExceptionSnoozed):
            await snooze(floor, item, NOW + 5 * HOUR)
        floor.clock.advance(4 * HOUR)
        await snooze(floor, item, NOW + 5 * HOUR)
        assert (await floor.only_exception()).snoozed_until == NOW + 5 * HOUR

    @pytest.mark.parametrize("until", [NOW, NOW - HOUR, NOW + timedelta(days=367)])
    async def test_refuses_what_is_not_ahead_or_too_far(self, floor: Floor, until: datetime) -> None:
        with pytest.raises(SnoozeNotAhead):
            await snooze(floor, await waiting(floor), until)

    async def test_waking_brings_it_back_at_once_and_what_is_awake_stays_so(self, floor: Floor) -> None:
        item = await waiting(floor)
        await snooze(floor, item)
        floor.clock.advance(HOUR)
        for _ in range(2):
            async with floor.database.transaction() as session:
                await wake_exception(session, WakeException(item.id, ROBIN), floor.clock.now())
        after = await floor.only_exception()
        assert (after.snoozed_until, after.snoozed_by, after.snooze_note) == (None, None, None)
        assert after.escalate_at == NOW + 25 * HOUR
        assert (await floor.audited()).count("wake_exception") == 1


class TestReject:
    async def test_settles_all_that_waits_and_asks_intake_to_close_the_lead(self, floor: Floor) -> None:
        item = await waiting(floor)
        await reject(floor, item, "an island without a ferry")
        await reject(floor, item, "an island without a ferry")
        [after] = await floor.exceptions()
        assert (after.resolution, after.resolved_by) == (Resolution.REJECTED, "Robin Field")
        assert types_of(await floor.events())[-2:] == ["dispatch.rejected", "dispatch.exception_resolved"]
        [rejected] = await floor.events("dispatch.rejected")
        assert rejected == DispatchRejected(
            lead_id=item.lead_id,
            exception_id=item.id,
            reason_code="unplaceable",
            rejected_by_name="Robin Field",
            rejected_at=NOW,
        )
        versions = [version for version, event in await floor.published() if event.type.startswith("dispatch.")]
        assert versions == sorted(set(versions))

    async def test_ends_with_the_lead_closed_once_intake_has_heard(self, floor: Floor) -> None:
        item = await waiting(floor)
        await reject(floor, item)
        async with floor.database.transaction() as session:
            await close_leads(session, [CloseLead(item.lead_id, "unplaceable", NOW)], NOW)
        assert (await floor.dispatch_of(item.lead_id)).status is DispatchStatus.CLOSED

    async def test_refuses_a_lead_that_somebody_has(self, floor: Floor) -> None:
        await floor.installers(2)
        await floor.dispatch(lead(SHARED))
        first, second = await floor.assignments()
        await floor.deliver(first.id)
        await floor.refuse_mail(second.id)
        with pytest.raises(LeadHasInstaller):
            await reject(floor, await floor.only_exception())

    async def test_refuses_a_closed_lead(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(arrived := lead())
        made = await floor.only_assignment()
        await floor.refuse_mail(made.id)
        await floor.deliver(made.id)
        async with floor.database.transaction() as session:
            await close_leads(session, [CloseLead(arrived.lead_id, "withdrawn", NOW)], NOW)
        [late] = await floor.exceptions(is_open=True)
        assert (late.reason, made.installer_id) == (ExceptionReason.DELIVERED_LATE, installer_id)
        with pytest.raises(LeadIsClosed):
            await reject(floor, late)


class TestTwoAtOnce:
    @pytest.fixture
    async def floor(self, fresh_database: Callable[[str], ServiceDatabase], clock: FixedClock) -> AsyncIterator[Floor]:
        async with committing(fresh_database("routing"), clock) as floor:
            yield floor

    async def test_two_operators_claim_one_item_and_one_has_it(self, floor: Floor) -> None:
        item = await waiting(floor)
        outcomes = await asyncio.gather(claim(floor, item, ROBIN), claim(floor, item, SAM), return_exceptions=True)
        [refused] = [each for each in outcomes if each is not None]
        assert isinstance(refused, ExceptionOwnedByAnother)
        assert (await floor.only_exception()).owner_name in {"Robin Field", "Sam Reed"}
        assert (await floor.audited()).count("claim_exception") == 1

    async def test_one_rejects_while_the_other_snoozes_and_one_deed_stands(self, floor: Floor) -> None:
        item = await waiting(floor)
        outcomes = await asyncio.gather(reject(floor, item), snooze(floor, item), return_exceptions=True)
        [after] = await floor.exceptions()
        assert after.resolution is Resolution.REJECTED
        refusals = [each for each in outcomes if each is not None]
        assert all(isinstance(each, ExceptionIsResolved) for each in refusals)
