"""What routing says has become of our leads."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.routing import (
    DispatchDecided,
    DispatchDelivered,
    DispatchExceptionEscalated,
    DispatchExceptionOwnerChanged,
    DispatchExceptionRaised,
    DispatchExceptionResolved,
    DispatchExceptionSnoozed,
    DispatchRejected,
    DispatchReopened,
)
from contracts.topics import DISPATCHES
from services.intake.commands.dispatches import DispatchStep, follow_dispatch
from services.intake.commands.following import Decided, keep_decisions
from services.intake.commands.leads.closing import CloseLead, close_rejected
from services.intake.consumers.remembered import remembered
from services.intake.domain import LeadStatus, close_reason_of, resolved_to


async def on_decided(session: AsyncSession, batch: list[Incoming[DispatchDecided]]) -> None:
    """A decision for nobody is an exception; the event that says why comes right behind."""
    await follow_dispatch(
        session,
        [
            _step(
                incoming,
                LeadStatus.DISPATCHING if incoming.event.assignment_ids else LeadStatus.EXCEPTION,
                incoming.event.decided_at,
            )
            for incoming in batch
        ],
    )
    await keep_decisions(session, [_decided(incoming.event) for incoming in batch])


async def on_delivered(session: AsyncSession, batch: list[Incoming[DispatchDelivered]]) -> None:
    await follow_dispatch(
        session, [_step(incoming, LeadStatus.DELIVERED, incoming.event.delivered_at) for incoming in batch]
    )


async def on_reopened(session: AsyncSession, batch: list[Incoming[DispatchReopened]]) -> None:
    await follow_dispatch(
        session,
        [replace(_step(i, None, i.event.reopened_at, i.event.reason_code), is_reopened=True) for i in batch],
    )


async def on_exception_raised(session: AsyncSession, batch: list[Incoming[DispatchExceptionRaised]]) -> None:
    await follow_dispatch(
        session,
        [
            _step(incoming, LeadStatus.EXCEPTION, incoming.event.raised_at, incoming.event.reason_code)
            for incoming in batch
        ],
    )


async def on_exception_resolved(session: AsyncSession, batch: list[Incoming[DispatchExceptionResolved]]) -> None:
    await follow_dispatch(
        session,
        [
            _step(
                incoming,
                resolved_to(incoming.event.resolution),
                incoming.event.resolved_at,
                incoming.event.resolution,
            )
            for incoming in batch
        ],
    )


async def on_exception_escalated(session: AsyncSession, batch: list[Incoming[DispatchExceptionEscalated]]) -> None:
    """The lead waits as it did: it is only known here as far as it is there."""
    await follow_dispatch(session, [_step(incoming, None, incoming.event.escalated_at) for incoming in batch])


async def on_exception_tended(
    session: AsyncSession, batch: list[Incoming[DispatchExceptionOwnerChanged | DispatchExceptionSnoozed]]
) -> None:
    """Somebody has it, or put it off: the lead waits as it did."""
    await follow_dispatch(session, [_step(incoming, None, incoming.event.changed_at) for incoming in batch])


async def on_rejected(session: AsyncSession, batch: list[Incoming[DispatchRejected]]) -> None:
    """Of its dispatch there is nothing to follow: the lead is closed here, which then ends its dispatch too."""
    await follow_dispatch(session, [_step(incoming, None, incoming.event.rejected_at) for incoming in batch])
    causes = {incoming.event.lead_id: Cause.of(incoming.envelope) for incoming in batch}
    await close_rejected(session, [_closing(incoming.event) for incoming in batch], causes)


@dataclass(frozen=True, slots=True)
class Rejecter:
    """The operator at dispatch, of whom the event tells the name alone."""

    name: str
    id: None = None


def _closing(event: DispatchRejected) -> CloseLead:
    return CloseLead(
        lead_id=event.lead_id,
        reason=close_reason_of(event.reason_code),
        note=event.note,
        by=Rejecter(event.rejected_by_name),
        now=event.rejected_at,
    )


def _step(
    incoming: Incoming[Any], target: LeadStatus | None, at: datetime, reason_code: str | None = None
) -> DispatchStep:
    envelope = incoming.envelope
    return DispatchStep(incoming.event.lead_id, envelope.aggregate_version, envelope.id, target, at, reason_code)


def _decided(event: DispatchDecided) -> Decided:
    return Decided(
        decision_id=event.decision_id,
        lead_id=event.lead_id,
        attempt_no=event.attempt_no,
        candidates=event.candidates_count,
        chosen=len(event.assignment_ids),
        decided_at=event.decided_at,
    )


CONSUMER = Consumer(
    DISPATCHES,
    remembered(
        {
            DispatchDecided: on_decided,
            DispatchDelivered: on_delivered,
            DispatchReopened: on_reopened,
            DispatchExceptionEscalated: on_exception_escalated,
            DispatchExceptionOwnerChanged: on_exception_tended,
            DispatchExceptionRaised: on_exception_raised,
            DispatchExceptionResolved: on_exception_resolved,
            DispatchExceptionSnoozed: on_exception_tended,
            DispatchRejected: on_rejected,
        }
    ),
)
