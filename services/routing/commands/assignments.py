"""What is done to an assignment beside its delivery: taking it back, and releasing its place under the caps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import SYSTEM, Actor, Change, Subject
from chassis.causation import Cause
from contracts.routing import AssignmentCancelled, AssignmentCapReleased
from contracts.values import CapReleaseReason
from services.routing.commands.caps import move
from services.routing.commands.deliveries import end, make_exceptions, unserved_of
from services.routing.commands.queueing import Raising, raise_items
from services.routing.domain.counting import CapChange, CapMove
from services.routing.domain.giving import obstacle_to_cancelling, obstacle_to_releasing
from services.routing.domain.states import AssignmentStatus, CancelReason, CapState, ExceptionReason
from services.routing.errors import CapNotCounted, CapReleasedOtherwise, NotPending
from services.routing.models import Assignment
from services.routing.queries.assignments import locked_with_dispatches

FOR_GOOD = frozenset({CancelReason.LEAD_WITHDRAWN, CancelReason.DUPLICATE_LEAD})
"""Whoever takes it back for such a reason does not want the next installer to get it by itself."""


@dataclass(frozen=True, slots=True)
class CancelAssignment:
    assignment_id: UUID
    reason: CancelReason
    note: str | None
    by: Actor


async def cancel_assignment(session: AsyncSession, command: CancelAssignment, now: datetime) -> Assignment:
    """Takes a pending assignment back. A lead that is left without any waits for an operator, as nobody else will."""
    assignments, dispatches = await locked_with_dispatches(session, {command.assignment_id})
    assignment = assignments[command.assignment_id]
    if assignment.status is AssignmentStatus.CANCELLED:
        return assignment
    if obstacle := obstacle_to_cancelling(assignment.status):
        raise NotPending(obstacle, assignment_id=assignment.id)
    assignment.ended_note = command.note
    await move(session, [take_back(session, assignment, command.reason, now)])
    unserved = await unserved_of(session, [dispatches[assignment.lead_id]])
    detail = f"its last assignment was cancelled: {command.reason}"
    is_retried = command.reason not in FOR_GOOD
    raisings = [
        Raising(lead, ExceptionReason.LEFT_UNSERVED, detail, assignment.id, is_retried=is_retried) for lead in unserved
    ]
    session.add_all(await raise_items(session, raisings, now, unserved))
    make_exceptions(unserved, now)
    await audit.record(
        session,
        actor=command.by,
        action="cancel_assignment",
        subject=Subject("assignment", assignment.id),
        before={"status": AssignmentStatus.PENDING},
        after={"status": AssignmentStatus.CANCELLED},
        reason_code=command.reason,
        reason_text=command.note,
    )
    return assignment


def take_back(
    session: AsyncSession, assignment: Assignment, reason: str, now: datetime, cause: Cause | None = None
) -> CapMove:
    """Ends a pending assignment and says so; the place that it gives back is the caller's to move."""
    end(assignment, AssignmentStatus.CANCELLED, reason, now)
    event = AssignmentCancelled(
        assignment_id=assignment.id,
        lead_id=assignment.lead_id,
        installer_id=assignment.installer_id,
        reason_code=reason,
        cancelled_at=now,
    )
    outbox.add(session, event, version=assignment.next_version(), cause=cause)
    return CapMove(assignment.installer_id, assignment.created_at, CapChange.GIVE_BACK, assignment.decision_id)


@dataclass(frozen=True, slots=True)
class ReleaseCap:
    """`cause` is the credit that asks for it, where no operator does."""

    assignment_id: UUID
    reason: CapReleaseReason
    note: str | None = None
    by: Actor = SYSTEM
    cause: Cause | None = None


async def release_cap(session: AsyncSession, command: ReleaseCap, now: datetime) -> Assignment:
    """By an operator, once: the delivery stays, and stays charged. Refuses what never counted."""
    assignments, _ = await locked_with_dispatches(session, {command.assignment_id})
    assignment = assignments[command.assignment_id]
    if assignment.cap_state is CapState.RELEASED:
        if assignment.cap_release_reason is not command.reason:
            raise CapReleasedOtherwise(f"released for {assignment.cap_release_reason}", assignment_id=assignment.id)
        return assignment
    if obstacle := obstacle_to_releasing(assignment.cap_state):
        raise CapNotCounted(obstacle, assignment_id=assignment.id)
    await move(session, [release(session, assignment, command, now)])
    await audit_releases(session, [command], now)
    return assignment


async def release_caps_for_credits(session: AsyncSession, commands: Sequence[ReleaseCap], now: datetime) -> None:
    """Deliveries of invalid leads were credited: their places are free too, where an operator had not freed them."""
    if not commands:
        return
    assignments, _ = await locked_with_dispatches(session, {command.assignment_id for command in commands})
    moves, released = [], []
    for command in commands:
        assignment = assignments[command.assignment_id]
        if obstacle_to_releasing(assignment.cap_state) is None:
            moves.append(release(session, assignment, command, now))
            released.append(command)
    await move(session, moves)
    await audit_releases(session, released, now)


async def audit_releases(session: AsyncSession, released: Sequence[ReleaseCap], now: datetime) -> None:
    """A row for each that `release` has released, whoever asked for it: by the few reasons, not one by one."""
    alike: dict[tuple[Actor, CapReleaseReason, str | None], list[Change]] = {}
    for command in released:
        change = Change(
            Subject("assignment", command.assignment_id),
            before={"cap_state": CapState.COUNTED},
            after={"cap_state": CapState.RELEASED, "at": now},
        )
        alike.setdefault((command.by, command.reason, command.note), []).append(change)
    for (by, reason, note), changes in alike.items():
        await audit.record_all(session, changes, actor=by, action="release_cap", reason_code=reason, reason_text=note)


def release(session: AsyncSession, assignment: Assignment, command: ReleaseCap, now: datetime) -> CapMove:
    """Of a place that counts, and says so; the move of the counters is the caller's, and so is the audit."""
    assignment.cap_state = CapState.RELEASED
    assignment.cap_released_at = now
    assignment.cap_release_reason = command.reason
    assignment.cap_release_note = command.note
    event = AssignmentCapReleased(
        assignment_id=assignment.id,
        lead_id=assignment.lead_id,
        installer_id=assignment.installer_id,
        reason_code=command.reason,
        released_at=now,
    )
    outbox.add(session, event, version=assignment.next_version(), cause=command.cause)
    return CapMove(assignment.installer_id, assignment.created_at, CapChange.RELEASE, assignment.decision_id)
