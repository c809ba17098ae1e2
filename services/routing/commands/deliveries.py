"""What became of deliveries: what was taken over is billable, what was refused frees its place and is an exception."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from chassis import outbox
from chassis.causation import Cause
from contracts.routing import AssignmentFailed, AssignmentSent, DispatchDelivered
from services.routing.commands.caps import move
from services.routing.commands.channels import Try, note_tries
from services.routing.commands.conclusions import move_on
from services.routing.commands.queueing import Raising, raise_items
from services.routing.domain.counting import CapChange, CapMove
from services.routing.domain.delivering import told_failure, told_late
from services.routing.domain.states import AssignmentStatus, CapState, DeliveryStep, DispatchStatus, ExceptionReason
from services.routing.metrics import count_deliveries
from services.routing.models import Assignment, Dispatch
from services.routing.queries.assignments import leads_with_live_ones, locked_with_dispatches


@dataclass(frozen=True, slots=True)
class Delivery:
    """The installer's server took the lead over: its mail server, or its webhook. `status` is the server's number.

    `begun_at` is when the try began; None where it was when the assignment was made, as a mail's is.
    """

    assignment_id: UUID
    accepted_at: datetime
    cause: Cause | None = None
    status: int | None = None
    begun_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFailure:
    """The lead will not reach the installer. `status` is the server's own code, where one spoke."""

    assignment_id: UUID
    reason_code: str
    failed_at: datetime
    status: int | None = None
    cause: Cause | None = None
    begun_at: datetime | None = None


async def mark_sent(session: AsyncSession, deliveries: Sequence[Delivery], now: datetime) -> None:
    """Pending assignments become sent and their places used. A second delivery of one changes nothing.

    One that had ended meanwhile was delivered all the same: it stays ended, and an operator is told.
    """
    if not deliveries:
        return
    assignments, dispatches = await locked_with_dispatches(session, {each.assignment_id for each in deliveries})
    moves: list[CapMove] = []
    late: list[Raising] = []
    tries: list[Try] = []
    for delivery in deliveries:
        assignment = assignments[delivery.assignment_id]
        dispatch = dispatches[assignment.lead_id]
        if assignment.status is AssignmentStatus.PENDING:
            moves.append(_send(session, assignment, dispatch, delivery))
            tries.append(_try(assignment, DeliveryStep.ACCEPTED, delivery))
        elif not assignment.status.was_delivered:
            late.append(_late(assignment, dispatch, delivery))
            tries.append(_try(assignment, DeliveryStep.ACCEPTED_LATE, delivery))
    await move(session, moves)
    session.add_all(await raise_items(session, late, now))
    count_deliveries(session, [(each.channel, each.step) for each in tries])
    await note_tries(session, tries, now)


def _try(
    assignment: Assignment, step: DeliveryStep, ended: Delivery | DeliveryFailure, reason: str | None = None
) -> Try:
    begun_at = ended.begun_at or assignment.created_at
    return Try(
        assignment.id,
        assignment.installer_id,
        assignment.channel,
        step,
        begun_at,
        reason,
        ended.status,
        cause=ended.cause,
    )


def _send(session: AsyncSession, assignment: Assignment, dispatch: Dispatch, delivery: Delivery) -> CapMove:
    assignment.status = AssignmentStatus.SENT
    assignment.cap_state = CapState.COUNTED
    assignment.sent_at = delivery.accepted_at
    event = AssignmentSent(
        assignment_id=assignment.id,
        lead_id=assignment.lead_id,
        installer_id=assignment.installer_id,
        selected_path=assignment.selected_path,
        service=dispatch.service,
        location=dispatch.location,
        channel=assignment.channel,
        decision_id=assignment.decision_id,
        sent_at=delivery.accepted_at,
    )
    outbox.add(session, event, version=assignment.next_version(), cause=delivery.cause)
    _note_first_delivery(session, dispatch, delivery)
    return CapMove(assignment.installer_id, assignment.created_at, CapChange.COMMIT, assignment.decision_id)


def _note_first_delivery(session: AsyncSession, dispatch: Dispatch, delivery: Delivery) -> None:
    if dispatch.status is DispatchStatus.DELIVERED:
        return
    dispatch.status, dispatch.status_since = DispatchStatus.DELIVERED, delivery.accepted_at
    # What came back and went to somebody else was delivered first to whoever had it first.
    dispatch.delivered_at = dispatch.delivered_at or delivery.accepted_at
    event = DispatchDelivered(lead_id=dispatch.lead_id, delivered_at=delivery.accepted_at)
    outbox.add(session, event, version=dispatch.next_version(), cause=delivery.cause)


def _late(assignment: Assignment, dispatch: Dispatch, delivery: Delivery) -> Raising:
    detail = told_late(assignment.channel, assignment.status)
    return Raising(dispatch, ExceptionReason.DELIVERED_LATE, detail, assignment.id, delivery.cause)


async def mark_failed(session: AsyncSession, failures: Sequence[DeliveryFailure], now: datetime) -> set[UUID]:
    """Pending assignments become failed and their places free; each is in the exception queue. Others stay as they are.

    Nobody else is tried by itself: an operator sees what was wrong with the delivery first. Returns what has failed.
    """
    if not failures:
        return set()
    assignments, dispatches = await locked_with_dispatches(session, {each.assignment_id for each in failures})
    moves: list[CapMove] = []
    raisings: list[Raising] = []
    tries: list[Try] = []
    for failure in failures:
        assignment = assignments[failure.assignment_id]
        if assignment.status is AssignmentStatus.PENDING:
            moves.append(_fail(session, assignment, failure))
            tries.append(_try(assignment, DeliveryStep.FAILED, failure, failure.reason_code))
            raisings.append(_failed(assignment, dispatches[assignment.lead_id], failure))
    await move(session, moves)
    unserved = await unserved_of(session, [raising.dispatch for raising in raisings])
    session.add_all(await raise_items(session, raisings, now, unserved))
    # After what is read for the items, so that status and version are one update.
    make_exceptions(unserved, now)
    _of_one_shape([raising.dispatch for raising in raisings])
    count_deliveries(session, [(each.channel, each.step) for each in tries])
    await note_tries(session, tries, now)
    return {each.assignment_id for each in tries}


def _fail(session: AsyncSession, assignment: Assignment, failure: DeliveryFailure) -> CapMove:
    event = AssignmentFailed(
        assignment_id=assignment.id,
        lead_id=assignment.lead_id,
        installer_id=assignment.installer_id,
        reason_code=failure.reason_code,
        failed_at=failure.failed_at,
    )
    outbox.add(session, event, version=assignment.next_version(), cause=failure.cause)
    end(assignment, AssignmentStatus.FAILED, failure.reason_code, failure.failed_at)
    return CapMove(assignment.installer_id, assignment.created_at, CapChange.FAIL, assignment.decision_id)


def end(assignment: Assignment, status: AssignmentStatus, reason: str, ended_at: datetime) -> None:
    """Ends a pending assignment; its place under the caps is the caller's to move."""
    assignment.status = status
    assignment.cap_state = CapState.GIVEN_BACK
    assignment.ended_at = ended_at
    assignment.ended_reason = reason


def _failed(assignment: Assignment, dispatch: Dispatch, failure: DeliveryFailure) -> Raising:
    detail = told_failure(assignment.channel, failure.reason_code, failure.status)
    return Raising(dispatch, ExceptionReason.DELIVERY_FAILED, detail, assignment.id, failure.cause)


async def unserved_of(session: AsyncSession, dispatches: Sequence[Dispatch]) -> list[Dispatch]:
    """Those whose lead no installer has or is about to get."""
    if not dispatches:
        return []
    # What was ended above has to be seen by the query.
    await session.flush()
    live = await leads_with_live_ones(session, {dispatch.lead_id for dispatch in dispatches})
    return [dispatch for dispatch in dispatches if dispatch.lead_id not in live]


def _of_one_shape(dispatches: Sequence[Dispatch]) -> None:
    """Rows that set the same columns are one statement: those that stay what they are, being locked, say so again."""
    for dispatch in dispatches:
        flag_modified(dispatch, "status")
        flag_modified(dispatch, "status_since")


def make_exceptions(dispatches: Sequence[Dispatch], now: datetime) -> None:
    for dispatch in dispatches:
        move_on(dispatch, DispatchStatus.EXCEPTION, now)
