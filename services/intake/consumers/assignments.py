"""What routing says of the assignments of our leads: who has one, how it counts, and whether it is given back."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import Consumer, Handler
from contracts.envelope import Event, Incoming
from contracts.routing import (
    AssignmentCancelled,
    AssignmentCapReleased,
    AssignmentCreated,
    AssignmentFailed,
    AssignmentReturnDenied,
    AssignmentReturned,
    AssignmentReturnRequested,
    AssignmentReturnWithdrawn,
    AssignmentSent,
)
from contracts.topics import ASSIGNMENTS
from services.intake.commands.following import Told, follow_assignments
from services.intake.consumers.remembered import remembered

Facts = Mapping[str, object]
# What comes after the sending says that it was sent, should that never have been told.
SENT: Facts = {"status": "sent", "cap_status": "counted"}


def created(event: AssignmentCreated) -> tuple[Facts, Facts]:
    facts = {
        "installer_name": event.installer_name,
        "selected_path": event.selected_path.value,
        "created_at": event.created_at,
    }
    return facts, {}


def sent(event: AssignmentSent) -> tuple[Facts, Facts]:
    return {**SENT, "sent_at": event.sent_at}, {"selected_path": event.selected_path.value}


def failed(event: AssignmentFailed) -> tuple[Facts, Facts]:
    facts = {"status": "failed", "ended_at": event.failed_at, "reason_code": event.reason_code}
    return {**facts, "cap_status": "given_back"}, {}


def cancelled(event: AssignmentCancelled) -> tuple[Facts, Facts]:
    facts = {"status": "cancelled", "ended_at": event.cancelled_at, "reason_code": event.reason_code}
    return {**facts, "cap_status": "given_back"}, {}


def cap_released(event: AssignmentCapReleased) -> tuple[Facts, Facts]:
    facts = {"cap_status": "released", "cap_reason": event.reason_code.value, "cap_released_at": event.released_at}
    return facts, {"status": "sent"}


def return_requested(event: AssignmentReturnRequested) -> tuple[Facts, Facts]:
    facts = {"return_state": "asked", "return_reason": event.reason_code, "return_changed_at": event.requested_at}
    return facts, SENT


def returned(event: AssignmentReturned) -> tuple[Facts, Facts]:
    facts = {
        "status": "returned",
        "cap_status": "released",
        "return_state": "accepted",
        "return_reason": event.reason_code,
        "return_changed_at": event.returned_at,
        "returned_at": event.returned_at,
    }
    return facts, {"sent_at": event.sent_at}


def return_denied(event: AssignmentReturnDenied) -> tuple[Facts, Facts]:
    facts = {"return_state": "denied", "return_reason": event.reason_code, "return_changed_at": event.denied_at}
    return facts, {**SENT, "installer_name": event.installer_name}


def return_withdrawn(event: AssignmentReturnWithdrawn) -> tuple[Facts, Facts]:
    return {"return_state": "withdrawn", "return_changed_at": event.withdrawn_at}, SENT


def _follows(read: Callable[[Any], tuple[Facts, Facts]]) -> Handler:
    async def follow(session: AsyncSession, batch: list[Incoming[Any]]) -> None:
        await follow_assignments(session, [_told(incoming, *read(incoming.event)) for incoming in batch])

    return follow


def _told(incoming: Incoming[Any], facts: Facts, assumed: Facts) -> Told:
    event = incoming.event
    always = {"lead_id": event.lead_id, "installer_id": event.installer_id}
    return Told(event.assignment_id, incoming.envelope.aggregate_version, facts, {**always, **assumed})


_READ: Mapping[type[Event], Callable[[Any], tuple[Facts, Facts]]] = {
    AssignmentCreated: created,
    AssignmentSent: sent,
    AssignmentFailed: failed,
    AssignmentCancelled: cancelled,
    AssignmentCapReleased: cap_released,
    AssignmentReturnRequested: return_requested,
    AssignmentReturned: returned,
    AssignmentReturnDenied: return_denied,
    AssignmentReturnWithdrawn: return_withdrawn,
}
CONSUMER = Consumer(ASSIGNMENTS, remembered({event: _follows(read) for event, read in _READ.items()}))
