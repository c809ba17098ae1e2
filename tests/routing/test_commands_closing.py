"""Leads that were closed at their intake, on a real database."""

from uuid import UUID

import pytest

from contracts.routing import AssignmentCancelled, DispatchExceptionResolved
from services.routing.commands.closing import CloseLead, close_leads
from services.routing.commands.exceptions import (
    AssignByHand,
    ResolveException,
    RetryDispatch,
    assign_by_hand,
    resolve_exception,
    retry_dispatch,
)
from services.routing.domain.states import (
    AssignmentStatus,
    CapState,
    DispatchStatus,
    ExceptionReason,
    Resolution,
)
from services.routing.errors import ExceptionIsResolved, LeadIsClosed
from services.routing.models import DispatchException
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, SHARED, Floor, lead, leads, types_of


async def close(floor: Floor, *lead_ids: UUID) -> None:
    commands = [CloseLead(lead_id, "withdrawn", NOW) for lead_id in lead_ids]
    async with floor.database.transaction() as session:
        await close_leads(session, commands, floor.clock.now())


async def delivered_late(floor: Floor) -> DispatchException:
    """A shared lead that somebody has, and somebody else got after the assignment had failed."""
    await floor.installers(2)
    await floor.dispatch(lead(SHARED))
    first, second = await floor.assignments()
    await floor.deliver(first.id)
    await floor.refuse_mail(second.id)
    await floor.deliver(second.id)
    [item] = [item for item in await floor.exceptions() if item.reason is ExceptionReason.DELIVERED_LATE]
    return item


class TestPending:
    async def test_assignments_are_taken_back_and_their_places_are_free(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(arrived := lead())
        made = await floor.only_assignment()
        await close(floor, arrived.lead_id)
        after = await floor.only_assignment()
        assert (after.status, after.cap_state, after.ended_reason) == (
            AssignmentStatus.CANCELLED,
            CapState.GIVEN_BACK,
            "lead_closed",
        )
        assert await floor.counts(installer_id) == {}
        assert await floor.events("assignment.cancelled") == [
            AssignmentCancelled(
                assignment_id=made.id,
                lead_id=arrived.lead_id,
                installer_id=installer_id,
                reason_code="lead_closed",
                cancelled_at=NOW,
            )
        ]
        dispatch = await floor.dispatch_of(arrived.lead_id)
        assert (dispatch.status, dispatch.closed_at) == (DispatchStatus.CLOSED, NOW)

    async def test_ones_leave_nobody_to_be_asked(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await close(floor, arrived.lead_id)
        assert await floor.exceptions() == []

    async def test_ones_of_many_leads_are_taken_back_at_once(self, floor: Floor) -> None:
        installers = await floor.installers(3)
        arrived = leads(10, SHARED)
        await floor.dispatch(*arrived)
        await close(floor, *(each.lead_id for each in arrived[:9]))
        assert [await floor.counts(id_) for id_ in installers] == [dict.fromkeys(("day", "week", "month"), (1, 0))] * 3


class TestSent:
    async def test_assignments_stay_sent_and_the_others_go(self, floor: Floor) -> None:
        await floor.installers(3)
        await floor.dispatch(arrived := lead(SHARED))
        sent, *_ = await floor.assignments()
        await floor.deliver(sent.id)
        await close(floor, arrived.lead_id)
        statuses = [each.status for each in await floor.assignments()]
        assert statuses == [AssignmentStatus.SENT, AssignmentStatus.CANCELLED, AssignmentStatus.CANCELLED]
        dispatch = await floor.dispatch_of(arrived.lead_id)
        assert (dispatch.status, dispatch.delivered_at, dispatch.closed_at) == (DispatchStatus.DELIVERED, NOW, NOW)

    async def test_when_its_mail_was_accepted_meanwhile_is_for_an_operator(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await close(floor, arrived.lead_id)
        await floor.deliver((await floor.only_assignment()).id)
        assert (await floor.only_assignment()).status is AssignmentStatus.CANCELLED
        assert (await floor.only_exception()).reason is ExceptionReason.DELIVERED_LATE
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.CLOSED


class TestTheQueue:
    async def test_lets_the_lead_go(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead(location=FREMANTLE))
        item = await floor.only_exception()
        await close(floor, arrived.lead_id)
        [after] = await floor.exceptions()
        assert (after.resolution, after.resolved_by, after.resolved_note) == (
            Resolution.LEAD_CLOSED,
            "system",
            "the lead was closed: withdrawn",
        )
        assert await floor.events("dispatch.exception_resolved") == [
            DispatchExceptionResolved(
                lead_id=arrived.lead_id, exception_id=item.id, resolution="lead_closed", resolved_at=NOW
            )
        ]

    async def test_keeps_what_somebody_got_uncharged(self, floor: Floor) -> None:
        item = await delivered_late(floor)
        await close(floor, item.lead_id)
        assert [waiting.id for waiting in await floor.exceptions(is_open=True)] == [item.id]

    async def test_gives_a_closed_lead_to_nobody(self, floor: Floor) -> None:
        item = await delivered_late(floor)
        await close(floor, item.lead_id)
        installer_id = await floor.installer()
        async with floor.database.transaction() as session:
            with pytest.raises(LeadIsClosed):
                await retry_dispatch(session, RetryDispatch(item.id, ROBIN), NOW)
            with pytest.raises(LeadIsClosed):
                await assign_by_hand(session, AssignByHand(item.id, (installer_id,), ROBIN), NOW)
            await resolve_exception(session, ResolveException(item.id, "a present", ROBIN), NOW)
        assert await floor.exceptions(is_open=True) == []

    async def test_gives_it_to_nobody_through_an_item_that_it_settled(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead(location=FREMANTLE))
        item = await floor.only_exception()
        await close(floor, arrived.lead_id)
        async with floor.database.transaction() as session:
            with pytest.raises(ExceptionIsResolved, match="lead_closed by system"):
                await retry_dispatch(session, RetryDispatch(item.id, ROBIN), NOW)


class TestBeforeItCame:
    """Its events come in order, unless an operator replays what was held back for coming out of it."""

    async def test_nobody_gets_it_afterwards(self, floor: Floor) -> None:
        await floor.installer()
        arrived, other = lead(), lead()
        await close(floor, arrived.lead_id)
        await close(floor, arrived.lead_id)
        await floor.dispatch(arrived, other)
        assert (await floor.only_assignment()).lead_id == other.lead_id
        assert await floor.exceptions() == []
        dispatch = await floor.dispatch_of(arrived.lead_id)
        assert (dispatch.status, dispatch.closed_at, dispatch.version) == (DispatchStatus.CLOSED, NOW, 0)

    async def test_nobody_is_kept_in_mind(self, floor: Floor) -> None:
        await close(floor, (arrived := lead()).lead_id)
        await floor.dispatch(arrived)
        assert await floor.rows("SELECT lead_id FROM lead_contacts") == []

    async def test_it_stays_closed_when_it_comes_twice(self, floor: Floor) -> None:
        await floor.installer()
        await close(floor, (arrived := lead()).lead_id)
        await floor.dispatch(arrived)
        await floor.dispatch(arrived)
        await close(floor, arrived.lead_id)
        assert await floor.assignments() == []
        assert types_of(await floor.events()) == ["installer.changed"]


class TestTwice:
    async def test_is_once(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await close(floor, arrived.lead_id)
        before = await floor.events()
        await close(floor, arrived.lead_id, arrived.lead_id)
        assert await floor.events() == before
