"""What routing says has become of our leads."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.routing import (
    DispatchDecided,
    DispatchDelivered,
    DispatchExceptionRaised,
    DispatchExceptionResolved,
    DispatchReopened,
)
from contracts.topics import DISPATCHES
from services.intake.commands.dispatches import DispatchStep, follow_dispatch
from services.intake.commands.following import Decided, keep_decisions
from services.intake.domain import LeadStatus, resolved_to


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
    {
        DispatchDecided: on_decided,
        DispatchDelivered: on_delivered,
        DispatchReopened: on_reopened,
        DispatchExceptionRaised: on_exception_raised,
        DispatchExceptionResolved: on_exception_resolved,
    },
)
