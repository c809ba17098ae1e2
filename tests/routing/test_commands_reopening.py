"""Leads that are open again at their intake, and leads that were made one, on a real database."""

from uuid import UUID

from chassis.ids import new_id
from contracts.intake import LeadMerged, LeadReopened, LeadUnmerged
from services.routing.commands.auto_dispatch import SwitchAutoDispatch, switch_auto_dispatch
from services.routing.commands.closing import CloseLead, close_leads
from services.routing.commands.reopening import ReopenLead, reopen_leads
from services.routing.domain.states import AssignmentStatus, DispatchStatus, ExceptionReason, Trigger
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, SHARED, Floor, lead
from tests.routing.feed import Feed, closed, created, record


async def close(floor: Floor, *lead_ids: UUID) -> None:
    async with floor.database.transaction() as session:
        await close_leads(session, [CloseLead(lead_id, "duplicate", NOW) for lead_id in lead_ids], NOW)


async def reopen(floor: Floor, *lead_ids: UUID) -> None:
    async with floor.database.transaction() as session:
        await reopen_leads(session, [ReopenLead(lead_id, NOW) for lead_id in lead_ids], NOW)


async def open_reasons(floor: Floor) -> list[ExceptionReason]:
    return [item.reason for item in await floor.exceptions() if item.is_open]


class TestALeadThatNobodyHad:
    async def test_is_dispatched_anew(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead())
        await close(floor, arrived.lead_id)
        await floor.installer()
        await reopen(floor, arrived.lead_id)
        made = await floor.only_assignment()
        assert made.status is AssignmentStatus.PENDING
        dispatch = await floor.dispatch_of(arrived.lead_id)
        assert (dispatch.status, dispatch.closed_at) == (DispatchStatus.DISPATCHING, None)
        (row,) = await floor.rows("SELECT trigger FROM decisions WHERE attempt_no = 2")
        assert row["trigger"] == Trigger.REOPENED
        assert await open_reasons(floor) == []

    async def test_waits_where_still_nobody_can_have_it(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead(location=FREMANTLE))
        before = await open_reasons(floor)
        await close(floor, arrived.lead_id)
        assert await open_reasons(floor) == []
        await reopen(floor, arrived.lead_id)
        assert await open_reasons(floor) == before
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.EXCEPTION

    async def test_waits_for_an_operator_where_nothing_is_dispatched_by_itself(self, floor: Floor) -> None:
        await floor.dispatch(arrived := lead())
        await close(floor, arrived.lead_id)
        await floor.installer()
        async with floor.database.transaction() as session:
            await switch_auto_dispatch(session, SwitchAutoDispatch(False, "Storm", ROBIN), NOW)
        await reopen(floor, arrived.lead_id)
        assert await open_reasons(floor) == [ExceptionReason.AUTO_DISPATCH_OFF]
        assert await floor.assignments() == []


class TestALeadThatWasTakenBack:
    async def test_waits_for_an_operator(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await close(floor, arrived.lead_id)
        await reopen(floor, arrived.lead_id)
        assert await open_reasons(floor) == [ExceptionReason.REOPENED]
        assert (await floor.only_assignment()).status is AssignmentStatus.CANCELLED
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.EXCEPTION
        assert "dispatch.exception_raised" in await floor_types(floor)

    async def test_stays_with_who_has_it(self, floor: Floor) -> None:
        await floor.installers(2)
        await floor.dispatch(arrived := lead(SHARED))
        first, _ = await floor.assignments()
        await floor.deliver(first.id)
        await close(floor, arrived.lead_id)
        await reopen(floor, arrived.lead_id)
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.DELIVERED
        assert await open_reasons(floor) == [ExceptionReason.REOPENED]


async def floor_types(floor: Floor) -> list[str]:
    return [type(event).type for event in await floor.events("dispatch.exception_raised")]


class TestALeadThatSomebodyHas:
    async def test_goes_on_as_it_was(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await floor.deliver((await floor.only_assignment()).id)
        await close(floor, arrived.lead_id)
        await reopen(floor, arrived.lead_id)
        dispatch = await floor.dispatch_of(arrived.lead_id)
        assert (dispatch.status, dispatch.closed_at) == (DispatchStatus.DELIVERED, None)
        assert await open_reasons(floor) == []

    async def test_opened_twice_is_opened_once(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await close(floor, arrived.lead_id)
        await reopen(floor, arrived.lead_id)
        await reopen(floor, arrived.lead_id)
        (item,) = await floor.exceptions()
        assert item.occurrences == 1


class TestFromTheTopic:
    async def test_one_that_is_not_known_yet_is_closed_no_more_when_it_comes(self, floor: Floor) -> None:
        feed, lead_id = Feed(floor), new_id()
        await floor.installer()
        await feed.take(record(closed(lead_id), version=2))
        await feed.take(record(LeadReopened(lead_id=lead_id, reason_code="unmerged", reopened_at=NOW), version=3))
        await floor.dispatch(lead(lead_id=lead_id))
        assert (await floor.dispatch_of(lead_id)).status is DispatchStatus.DISPATCHING

    async def test_leads_that_were_made_one_are_linked_until_they_are_two(self, floor: Floor) -> None:
        feed, one, other = Feed(floor), new_id(), new_id()
        told = {
            "lead_id": one,
            "survivor_id": other,
            "merge_id": new_id(),
            "reason_code": "asked_twice",
            "at": NOW,
            "by_id": ROBIN.id,
            "by_name": ROBIN.name,
        }
        await feed.take(record(LeadMerged(**told), version=1))
        (link,) = await floor.rows("SELECT lead_id, other_lead_id, kind FROM lead_links")
        assert dict(link) == {"lead_id": one, "other_lead_id": other, "kind": "merged"}
        await feed.take(record(LeadUnmerged(**told), version=2))
        assert await floor.rows("SELECT 1 FROM lead_links") == []
        assert created().lead_id != one

    async def test_whom_a_merged_lead_was_like_is_linked_with_it(self, floor: Floor) -> None:
        """It had never come here: who has had that other one is not given the lead that goes on for both."""
        had, free = sorted(await floor.installers(2))
        await floor.dispatch(alike := lead())
        goes_on, never_told = lead(), new_id()
        told = {
            "lead_id": never_told,
            "survivor_id": goes_on.lead_id,
            "merge_id": new_id(),
            "reason_code": "asked_twice",
            "at": NOW,
            "by_id": ROBIN.id,
            "by_name": ROBIN.name,
            "same_person_lead_ids": (alike.lead_id,),
        }
        await Feed(floor).take(record(LeadMerged(**told), version=1))
        await floor.dispatch(goes_on)
        assert await floor.given() == {had: 1, free: 1}
