"""Taking assignments back and releasing places under the caps, on a real database."""

from typing import Any

import pytest

from contracts.routing import AssignmentCancelled, AssignmentCapReleased
from contracts.values import CapReleaseReason
from services.routing.commands.assignments import (
    CancelAssignment,
    ReleaseCap,
    cancel_assignment,
    release_cap,
    release_caps_for_credits,
)
from services.routing.domain.states import AssignmentStatus, CancelReason, CapState, DispatchStatus, ExceptionReason
from services.routing.domain.windows import Limits
from services.routing.errors import CapNotCounted, CapReleasedOtherwise, NotPending
from services.routing.models import Assignment
from tests.routing.arrangements import NOW, ROBIN, SHARED, Floor, lead, leads


async def cancel(floor: Floor, assignment: Assignment) -> None:
    command = CancelAssignment(assignment.id, CancelReason.LEAD_WITHDRAWN, "asked by phone", ROBIN)
    async with floor.database.transaction() as session:
        await cancel_assignment(session, command, floor.clock.now())


async def releases(floor: Floor) -> list[dict[str, Any]]:
    """What the audit says of places that were freed."""
    return await floor.rows("SELECT * FROM audit_entries WHERE action = 'release_cap' ORDER BY id")


async def release(
    floor: Floor, assignment: Assignment, reason: CapReleaseReason = CapReleaseReason.INVALID_LEAD
) -> None:
    async with floor.database.transaction() as session:
        await release_cap(session, ReleaseCap(assignment.id, reason, "number not in use", ROBIN), floor.clock.now())


async def delivered(floor: Floor) -> Assignment:
    """The only assignment, of an installer with a cap of one."""
    await floor.installer(Limits(month=1))
    await floor.dispatch(lead())
    await floor.deliver((await floor.only_assignment()).id)
    return await floor.only_assignment()


class TestCancelAssignment:
    async def test_gives_its_place_back(self, floor: Floor) -> None:
        installer_id = await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await cancel(floor, made)
        after = await floor.only_assignment()
        assert (after.status, after.cap_state) == (AssignmentStatus.CANCELLED, CapState.GIVEN_BACK)
        assert (after.ended_reason, after.ended_note, after.ended_at) == ("lead_withdrawn", "asked by phone", NOW)
        assert await floor.counts(installer_id) == {}
        assert await floor.events("assignment.cancelled") == [
            AssignmentCancelled(
                assignment_id=made.id,
                lead_id=made.lead_id,
                installer_id=installer_id,
                reason_code="lead_withdrawn",
                cancelled_at=NOW,
            )
        ]

    async def test_a_lead_that_is_left_without_any_waits_for_an_operator(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        await cancel(floor, await floor.only_assignment())
        assert (await floor.only_exception()).reason is ExceptionReason.LEFT_UNSERVED
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.EXCEPTION

    async def test_a_lead_that_others_have_does_not(self, floor: Floor) -> None:
        await floor.installers(2)
        await floor.dispatch(arrived := lead(SHARED))
        first, _ = await floor.assignments()
        await cancel(floor, first)
        assert await floor.exceptions() == []
        assert (await floor.dispatch_of(arrived.lead_id)).status is DispatchStatus.DISPATCHING

    async def test_twice_is_once(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await cancel(floor, made)
        before = await floor.events()
        await cancel(floor, made)
        assert await floor.events() == before
        assert (await floor.audited()).count("cancel_assignment") == 1

    async def test_refuses_what_was_sent(self, floor: Floor) -> None:
        with pytest.raises(NotPending, match="is sent"):
            await cancel(floor, await delivered(floor))


class TestReleaseCap:
    async def test_frees_the_place_and_leaves_the_delivery(self, floor: Floor) -> None:
        made = await delivered(floor)
        await release(floor, made)
        after = await floor.only_assignment()
        assert (after.status, after.cap_state) == (AssignmentStatus.SENT, CapState.RELEASED)
        assert (after.cap_release_reason, after.cap_release_note) == ("invalid_lead", "number not in use")
        assert await floor.counts(made.installer_id) == {}
        assert await floor.events("assignment.cap_released") == [
            AssignmentCapReleased(
                assignment_id=made.id,
                lead_id=made.lead_id,
                installer_id=made.installer_id,
                reason_code=CapReleaseReason.INVALID_LEAD,
                released_at=NOW,
            )
        ]

    async def test_lets_the_next_lead_through(self, floor: Floor) -> None:
        made = await delivered(floor)
        await floor.dispatch(lead())
        assert len(await floor.assignments()) == 1
        await release(floor, made)
        await floor.dispatch(lead())
        assert len(await floor.assignments()) == 2

    async def test_twice_is_once(self, floor: Floor) -> None:
        made = await delivered(floor)
        await release(floor, made)
        await release(floor, made)
        assert len(await floor.events("assignment.cap_released")) == 1
        assert await floor.counts(made.installer_id) == {}
        assert (await floor.audited()).count("release_cap") == 1

    async def test_refuses_another_reason_afterwards(self, floor: Floor) -> None:
        made = await delivered(floor)
        await release(floor, made)
        with pytest.raises(CapReleasedOtherwise, match="invalid_lead"):
            await release(floor, made, CapReleaseReason.OPERATOR_ERROR)

    async def test_refuses_what_does_not_count_yet(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        with pytest.raises(CapNotCounted, match="reserved"):
            await release(floor, await floor.only_assignment())

    async def test_refuses_what_was_given_back(self, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.refuse_mail(made.id)
        with pytest.raises(CapNotCounted, match="given back"):
            await release(floor, made)


class TestReleaseCapsForCredits:
    async def test_frees_each_place_once(self, floor: Floor) -> None:
        made = await delivered(floor)
        command = ReleaseCap(made.id, CapReleaseReason.CREDIT_LINKED, "credited: invalid_contact")
        async with floor.database.transaction() as session:
            await release_caps_for_credits(session, [command, command], NOW)
        assert (await floor.only_assignment()).cap_release_reason is CapReleaseReason.CREDIT_LINKED
        assert await floor.counts(made.installer_id) == {}
        assert len(await floor.events("assignment.cap_released")) == 1
        [row] = await releases(floor)
        assert (row["subject_id"], row["actor_id"]) == (str(made.id), None)
        assert (row["before"], row["after"]["cap_state"]) == ({"cap_state": "counted"}, "released")
        assert (row["reason_code"], row["reason_text"]) == ("credit_linked", "credited: invalid_contact")

    async def test_says_of_each_why_it_was_freed(self, floor: Floor) -> None:
        await floor.installers(3)
        await floor.dispatch(*leads(1, SHARED))
        made = [each.id for each in await floor.assignments()]
        await floor.deliver(*made)
        notes = ("credited: invalid_contact", "credited: invalid_contact", "voided: invalid_contact")
        commands = [
            ReleaseCap(id_, CapReleaseReason.CREDIT_LINKED, note) for id_, note in zip(made, notes, strict=True)
        ]
        async with floor.database.transaction() as session:
            await release_caps_for_credits(session, commands, NOW)
        told = {row["subject_id"]: row["reason_text"] for row in await releases(floor)}
        assert told == {str(id_): note for id_, note in zip(made, notes, strict=True)}

    async def test_leaves_what_an_operator_released(self, floor: Floor) -> None:
        made = await delivered(floor)
        await release(floor, made)
        async with floor.database.transaction() as session:
            await release_caps_for_credits(session, [ReleaseCap(made.id, CapReleaseReason.CREDIT_LINKED)], NOW)
        [row] = await releases(floor)
        assert row["actor_id"] == ROBIN.id
        assert (await floor.only_assignment()).cap_release_reason is CapReleaseReason.INVALID_LEAD
