"""What becomes of a lead that was given back, and of its place under the caps: on to another, and once."""

import pytest

from chassis.errors import Refusal
from contracts.routing import DispatchReopened
from contracts.values import CapReleaseReason
from services.routing.commands.assignments import ReleaseCap, release_cap, release_caps_for_credits
from services.routing.commands.closing import CloseLead, close_leads
from services.routing.commands.exceptions import AssignByHand, assign_by_hand
from services.routing.domain.returns import ReturnCode
from services.routing.domain.states import DispatchStatus, ExceptionReason, Resolution
from services.routing.models import AutoDispatch, LeadContact
from tests.routing.arrangements import NOW, ROBIN, SHARED, Floor, lead, types_of
from tests.routing.given_back import balance, sent


class TestTheLead:
    async def test_goes_to_another_and_never_to_whoever_gave_it_back(self, floor: Floor) -> None:
        first = await floor.installer()
        asked = await floor.ask_back((await sent(floor)).id, ReturnCode.OUTSIDE_CRITERIA)
        second = await floor.installer(name="Other")
        await floor.take_back(asked.id)
        returned, given = await floor.assignments()
        assert (returned.installer_id, given.installer_id) == (first, second)
        assert given.share_no == returned.share_no
        await floor.deliver(given.id)
        dispatch = await floor.dispatch_of(given.lead_id)
        assert (dispatch.status, dispatch.delivered_at) == (DispatchStatus.DELIVERED, NOW)
        [decided] = [each for each in await floor.decisions(given.lead_id) if each.trigger == "return"]
        assert (decided.operator_name, decided.chosen_count) == (ROBIN.name, 1)

    async def test_is_not_given_back_to_the_returner_even_by_hand(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        asked = await floor.ask_back((await sent(floor)).id, ReturnCode.OUTSIDE_CRITERIA)
        await floor.take_back(asked.id)
        item = await floor.only_exception()
        assert item.reason is ExceptionReason.NO_ELIGIBLE_INSTALLER
        with pytest.raises(Refusal, match="returned_by_installer"):
            async with floor.database.transaction() as session:
                command = AssignByHand(item.id, (installer_id,), ROBIN, "again", overrides_caps=True)
                await assign_by_hand(session, command, NOW)

    async def test_without_anybody_else_it_is_reopened_and_an_exception(self, floor: Floor) -> None:
        await floor.installer()
        made = await sent(floor)
        asked = await floor.ask_back(made.id, ReturnCode.DID_NOT_REQUEST)
        await floor.take_back(asked.id)
        item = await floor.only_exception()
        assert (item.reason, item.assignment_id) == (ExceptionReason.RETURNED, made.id)
        assert (await floor.dispatch_of(made.lead_id)).status is DispatchStatus.EXCEPTION
        events = await floor.events()
        assert types_of(events)[-4:] == [
            "assignment.cap_released",
            "assignment.returned",
            "dispatch.reopened",
            "dispatch.exception_raised",
        ]
        reopened = events[-2]
        assert isinstance(reopened, DispatchReopened)
        assert reopened.reason_code == "did_not_request"

    async def test_that_others_have_stays_delivered(self, floor: Floor) -> None:
        await floor.installers(2)
        arrived = lead(SHARED)
        await floor.dispatch(arrived)
        one, other = await floor.assignments()
        await floor.deliver(one.id, other.id)
        asked = await floor.ask_back(one.id, ReturnCode.CONTACT_INVALID)
        await floor.take_back(asked.id)
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.DELIVERED
        assert await floor.exceptions() == []
        assert await floor.events("dispatch.reopened") == []

    async def test_that_another_is_about_to_get_is_on_its_way_again(self, floor: Floor) -> None:
        await floor.installers(2)
        arrived = lead(SHARED)
        await floor.dispatch(arrived)
        one, other = await floor.assignments()
        await floor.deliver(one.id)
        await floor.take_back((await floor.ask_back(one.id, ReturnCode.CONTACT_INVALID)).id)
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.DISPATCHING
        await floor.deliver(other.id)
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.DELIVERED
        assert len(await floor.events("dispatch.delivered")) == 2

    @pytest.mark.parametrize("is_offered_on", [True, False])
    async def test_is_offered_on_for_another_reason_where_the_operator_says_so(
        self, floor: Floor, is_offered_on: bool
    ) -> None:
        await floor.installer()
        asked = await floor.ask_back((await sent(floor)).id, ReturnCode.OTHER)
        await floor.installer(name="Other")
        await floor.take_back(asked.id, is_offered_on=is_offered_on)
        assert len(await floor.assignments()) == 1 + is_offered_on

    async def test_that_was_closed_goes_nowhere(self, floor: Floor) -> None:
        await floor.installer()
        made = await sent(floor)
        async with floor.database.transaction() as session:
            await close_leads(session, [CloseLead(made.lead_id, "withdrawn", NOW)], NOW)
        await floor.installer(name="Other")
        await floor.take_back((await floor.ask_back(made.id, ReturnCode.OUTSIDE_CRITERIA)).id)
        assert len(await floor.assignments()) == 1
        assert await floor.exceptions() == []
        assert await floor.events("dispatch.reopened") == []

    async def test_whose_person_was_erased_waits_for_an_operator(self, floor: Floor) -> None:
        await floor.installer()
        asked = await floor.ask_back((await sent(floor)).id, ReturnCode.OUTSIDE_CRITERIA)
        async with floor.database.transaction() as session:
            [contact] = [await session.get_one(LeadContact, asked.lead_id)]
            await session.delete(contact)
        await floor.installer(name="Other")
        await floor.take_back(asked.id)
        assert (await floor.only_exception()).reason is ExceptionReason.CONTACT_MISSING

    async def test_is_kept_back_while_auto_dispatch_is_off(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        asked = await floor.ask_back((await sent(floor)).id, ReturnCode.OUTSIDE_CRITERIA)
        async with floor.database.transaction() as session:
            (await session.get_one(AutoDispatch, 1)).is_enabled = False
        await floor.installer(name="Other")
        await floor.take_back(asked.id)
        assert (await floor.only_exception()).reason is ExceptionReason.AUTO_DISPATCH_OFF
        assert await floor.counts(installer_id) == {}

    async def test_that_finds_an_installer_leaves_the_queue(self, floor: Floor) -> None:
        await floor.installers(2)
        arrived = lead(SHARED)
        await floor.dispatch(arrived)
        one, other = await floor.assignments()
        await floor.deliver(one.id)
        await floor.refuse_mail(other.id)
        assert (await floor.only_exception()).reason is ExceptionReason.DELIVERY_FAILED
        await floor.installers(3)
        await floor.take_back((await floor.ask_back(one.id, ReturnCode.OUTSIDE_CRITERIA)).id)
        [item] = await floor.exceptions()
        assert item.resolution is Resolution.RETRIED


class TestCapOnce:
    async def test_whoever_comes_first(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        made = await sent(floor)
        asked = await floor.ask_back(made.id, ReturnCode.CONTACT_INVALID)
        async with floor.database.transaction() as session:
            await release_cap(session, ReleaseCap(made.id, CapReleaseReason.DELIVERY_FAULT, None, ROBIN), NOW)
        owed = await balance(floor, installer_id)
        await floor.take_back(asked.id)
        assert await floor.counts(installer_id) == {}
        assert await balance(floor, installer_id) == owed
        assert (await floor.only_assignment()).cap_release_reason is CapReleaseReason.DELIVERY_FAULT
        assert len(await floor.events("assignment.cap_released")) == 1

    async def test_by_the_credit_that_follows_it(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        made = await sent(floor)
        await floor.take_back((await floor.ask_back(made.id, ReturnCode.CONTACT_INVALID)).id)
        owed = await balance(floor, installer_id)
        async with floor.database.transaction() as session:
            await release_caps_for_credits(session, [ReleaseCap(made.id, CapReleaseReason.CREDIT_LINKED)], NOW)
        assert await balance(floor, installer_id) == owed
        assert len(await floor.events("assignment.cap_released")) == 1
