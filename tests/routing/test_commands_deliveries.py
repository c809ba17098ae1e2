"""What became of the mails, on a real database."""

from datetime import timedelta

import pytest

from chassis.ids import new_id
from contracts.routing import AssignmentFailed, AssignmentSent, DispatchDelivered, DispatchExceptionRaised
from services.routing.commands.deliveries import Delivery, mark_sent
from services.routing.domain.states import AssignmentStatus, CapState, DispatchStatus, ExceptionReason
from services.routing.domain.windows import Limits
from services.routing.errors import NoSuchAssignment
from tests.routing.arrangements import EXCLUSIVE, MARRICKVILLE, NOW, SHARED, Floor, lead, leads, types_of


async def one_pending(floor: Floor) -> tuple[object, object]:
    """An installer, and its only assignment."""
    installer_id = await floor.installer(Limits(month=5))
    await floor.dispatch(lead())
    return installer_id, (await floor.only_assignment()).id


class TestMarkSent:
    async def test_makes_it_billable_at_the_instant_of_acceptance(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(arrived := lead())
        before = await floor.only_assignment()
        floor.clock.advance(timedelta(seconds=3))
        await floor.deliver(before.id)
        after = await floor.only_assignment()
        assert (after.status, after.cap_state, after.sent_at) == (
            AssignmentStatus.SENT,
            CapState.COUNTED,
            NOW + timedelta(seconds=3),
        )
        assert await floor.events("assignment.sent") == [
            AssignmentSent(
                assignment_id=after.id,
                lead_id=arrived.lead_id,
                installer_id=installer_id,
                selected_path=EXCLUSIVE,
                service="solar-battery",
                location=MARRICKVILLE,
                channel="mail",
                decision_id=after.decision_id,
                sent_at=NOW + timedelta(seconds=3),
            )
        ]

    async def test_turns_the_reserved_place_into_a_used_one(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(lead())
        await floor.deliver((await floor.only_assignment()).id)
        assert await floor.counts(installer_id) == {"day": (0, 1), "week": (0, 1), "month": (0, 1)}

    async def test_says_once_that_the_lead_was_delivered(self, floor: Floor) -> None:
        await floor.installers(3)
        await floor.dispatch(arrived := lead(SHARED))
        first, *others = [assignment.id for assignment in await floor.assignments()]
        await floor.deliver(first)
        await floor.deliver(*others)
        assert await floor.events("dispatch.delivered") == [
            DispatchDelivered(lead_id=arrived.lead_id, delivered_at=NOW)
        ]
        dispatch = await floor.dispatch_of(arrived.lead_id)
        assert (dispatch.status, dispatch.delivered_at) == (DispatchStatus.DELIVERED, NOW)

    async def test_a_second_time_changes_nothing(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.deliver(made.id)
        before = await floor.events()
        floor.clock.advance(timedelta(hours=1))
        await floor.deliver(made.id, made.id)
        assert await floor.events() == before
        assert (await floor.only_assignment()).sent_at == NOW
        assert await floor.counts(installer_id) == {"day": (0, 1), "week": (0, 1), "month": (0, 1)}

    async def test_twice_in_one_batch_counts_once(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.deliver(made.id, made.id)
        assert len(await floor.events("assignment.sent")) == 1

    async def test_refuses_an_assignment_that_was_never_made(self, floor: Floor) -> None:
        with pytest.raises(NoSuchAssignment):
            await floor.deliver(new_id())

    async def test_tells_an_operator_what_was_delivered_too_late(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.refuse_mail(made.id)
        await floor.deliver(made.id)
        assert (await floor.only_assignment()).status is AssignmentStatus.FAILED
        assert [item.reason for item in await floor.exceptions()] == [
            ExceptionReason.DELIVERY_FAILED,
            ExceptionReason.DELIVERED_LATE,
        ]
        assert await floor.counts(installer_id) == {}

    async def test_counts_in_the_window_in_which_it_was_reserved(self, floor: Floor) -> None:
        installer_id = await floor.installer(Limits(day=1))
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        floor.clock.advance(timedelta(days=1))
        await floor.deliver(made.id)
        await floor.dispatch(lead())
        assert (await floor.given())[installer_id] == 2
        windows = await floor.rows("SELECT reserved, used FROM cap_windows WHERE kind = 'day' ORDER BY window_start")
        assert windows == [{"reserved": 0, "used": 1}, {"reserved": 1, "used": 0}]

    async def test_takes_many_of_many_installers(self, floor: Floor) -> None:
        installers = await floor.installers(4)
        await floor.dispatch(*leads(20, SHARED))
        made = [assignment.id for assignment in await floor.assignments()]
        async with floor.database.transaction() as session:
            await mark_sent(session, [Delivery(id_, NOW) for id_ in made], NOW)
        assert [await floor.counts(id_) for id_ in installers] == [
            {"day": (0, 15), "week": (0, 15), "month": (0, 15)}
        ] * 4
        assert len(await floor.events("dispatch.delivered")) == 20


class TestMarkFailed:
    async def test_frees_the_place_and_raises_an_exception(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(arrived := lead())
        made = await floor.only_assignment()
        await floor.refuse_mail(made.id)
        after = await floor.only_assignment()
        assert (after.status, after.cap_state, after.ended_reason) == (
            AssignmentStatus.FAILED,
            CapState.GIVEN_BACK,
            "recipient_refused",
        )
        assert await floor.counts(installer_id) == {}
        item = await floor.only_exception()
        assert (item.reason, item.assignment_id) == (ExceptionReason.DELIVERY_FAILED, made.id)
        assert item.detail == "the lead's mail to its installer failed: recipient_refused, SMTP 550"
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.EXCEPTION

    async def test_publishes_the_failure_before_the_exception(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(arrived := lead())
        made = await floor.only_assignment()
        await floor.refuse_mail(made.id)
        *_, failed, raised = await floor.events()
        assert failed == AssignmentFailed(
            assignment_id=made.id,
            lead_id=arrived.lead_id,
            installer_id=installer_id,
            reason_code="recipient_refused",
            failed_at=NOW,
        )
        assert raised.type == "dispatch.exception_raised"

    async def test_after_a_delivery_changes_nothing(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.deliver(made.id)
        before = await floor.events()
        await floor.refuse_mail(made.id)
        assert await floor.events() == before
        assert (await floor.only_assignment()).status is AssignmentStatus.SENT

    async def test_a_second_time_changes_nothing(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.refuse_mail(made.id)
        before = await floor.events()
        await floor.refuse_mail(made.id)
        assert await floor.events() == before
        assert (await floor.only_exception()).occurrences == 1

    async def test_a_shared_lead_with_others_on_their_way_is_not_yet_lost(self, floor: Floor) -> None:
        await floor.installers(3)
        await floor.dispatch(arrived := lead(SHARED))
        first, second, _ = [assignment.id for assignment in await floor.assignments()]
        await floor.refuse_mail(first)
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.DISPATCHING
        await floor.deliver(second)
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.DELIVERED

    async def test_a_lead_has_one_open_item_however_many_of_its_mails_fail(self, floor: Floor) -> None:
        await floor.installers(3)
        await floor.dispatch(lead(SHARED))
        made = [assignment.id for assignment in await floor.assignments()]
        await floor.refuse_mail(*made[:2])
        await floor.refuse_mail(made[2])
        item = await floor.only_exception()
        assert (item.occurrences, item.assignment_id) == (3, made[2])

    async def test_tells_again_of_the_failure_that_leaves_the_lead_to_nobody(self, floor: Floor) -> None:
        await floor.installers(3)
        await floor.dispatch(arrived := lead(SHARED))
        made = [assignment.id for assignment in await floor.assignments()]
        for number, assignment_id in enumerate(made):
            await floor.refuse_mail(assignment_id)
            raised = await floor.events("dispatch.exception_raised")
            assert len(raised) == (1, 1, 2)[number]
        item = await floor.only_exception()
        first, last = (event for event in raised if isinstance(event, DispatchExceptionRaised))
        assert first.exception_id == last.exception_id == item.id
        assert (first.assignment_id, last.assignment_id) == (made[0], made[2])
        versions = [version for version, event in await floor.published() if event.type.startswith("dispatch.")]
        assert versions == [1, 2, 3]
        assert (await floor.dispatch_of(arrived.lead_id)).version == 3
        assert (item.occurrences, item.told_count) == (3, 2)

    async def test_tells_once_of_failures_that_come_together(self, floor: Floor) -> None:
        await floor.installers(3)
        await floor.dispatch(lead(SHARED))
        await floor.refuse_mail(*(assignment.id for assignment in await floor.assignments()))
        assert (await floor.only_exception()).occurrences == 3
        assert types_of(await floor.events("dispatch.exception_raised")) == ["dispatch.exception_raised"]

    async def test_tells_no_more_of_one_whose_lead_somebody_has(self, floor: Floor) -> None:
        await floor.installers(3)
        await floor.dispatch(lead(SHARED))
        first, second, third = [assignment.id for assignment in await floor.assignments()]
        await floor.refuse_mail(first)
        await floor.deliver(second)
        await floor.refuse_mail(third)
        assert (await floor.only_exception()).occurrences == 2
        assert types_of(await floor.events("dispatch.exception_raised")) == ["dispatch.exception_raised"]

    async def test_a_dead_mailbox_draws_no_more_than_its_turns(self, floor: Floor) -> None:
        dead, alive = await floor.installers(2, Limits(month=20))
        for _ in range(6):
            await floor.dispatch(lead())
            await floor.refuse_mail(*(a.id for a in await floor.assignments() if a.installer_id == dead))
        assert await floor.given() == {dead: 3, alive: 3}
        assert await floor.counts(dead) == {}

    async def test_tries_nobody_else_by_itself(self, floor: Floor) -> None:
        await floor.installers(2)
        await floor.dispatch(lead())
        await floor.refuse_mail((await floor.only_assignment()).id)
        assert len(await floor.assignments()) == 1
