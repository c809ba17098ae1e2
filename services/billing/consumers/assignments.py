"""What routing says of leads that it gave: billed once they are sent, credited where they go back."""

from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.routing import (
    AssignmentCapReleased,
    AssignmentReturnDenied,
    AssignmentReturned,
    AssignmentReturnRequested,
    AssignmentReturnWithdrawn,
    AssignmentSent,
)
from contracts.topics import ASSIGNMENTS
from contracts.values import Location
from services.billing.commands.adjustments import ApprovalRule
from services.billing.commands.credit_requests import ask_for_credits
from services.billing.commands.deliveries import CapRelease, record_deliveries, release_caps
from services.billing.commands.pricing import SentAssignment
from services.billing.commands.returns import ReturnAsked, ReturnClosed, close_returns, open_returns
from services.billing.consumers.lead_deeds import asked_credit

RETURN = "return"
"""The deed of a credit that an accepted return brings."""


async def on_sent(
    session: AsyncSession, batch: list[Incoming[AssignmentSent]], *, rule: ApprovalRule, clock: Clock
) -> None:
    sent = [_sent(incoming.event, Cause.of(incoming.envelope)) for incoming in batch]
    await record_deliveries(session, sent, rule, clock.now())


async def on_cap_released(session: AsyncSession, batch: list[Incoming[AssignmentCapReleased]]) -> None:
    releases = [CapRelease(incoming.event.assignment_id, incoming.event.reason_code) for incoming in batch]
    await release_caps(session, releases)


async def on_return_requested(session: AsyncSession, batch: list[Incoming[AssignmentReturnRequested]]) -> None:
    await open_returns(session, [_return_asked(incoming) for incoming in batch])


async def on_returned(
    session: AsyncSession, batch: list[Incoming[AssignmentReturned]], *, rule: ApprovalRule, clock: Clock
) -> None:
    asked = [
        asked_credit(credit, incoming, RETURN, incoming.event.return_id)
        for incoming in batch
        for credit in incoming.event.credits
    ]
    await close_returns(session, [_closed(incoming) for incoming in batch], clock.now())
    await ask_for_credits(session, asked, rule, clock.now())


async def on_return_ended(
    session: AsyncSession,
    batch: list[Incoming[AssignmentReturnDenied | AssignmentReturnWithdrawn]],
    *,
    clock: Clock,
) -> None:
    await close_returns(session, [_closed(incoming) for incoming in batch], clock.now())


def consumer(clock: Clock, rule: ApprovalRule) -> Consumer:
    return Consumer(
        ASSIGNMENTS,
        {
            AssignmentSent: partial(on_sent, rule=rule, clock=clock),
            AssignmentCapReleased: on_cap_released,
            AssignmentReturnRequested: on_return_requested,
            AssignmentReturned: partial(on_returned, rule=rule, clock=clock),
            AssignmentReturnDenied: partial(on_return_ended, clock=clock),
            AssignmentReturnWithdrawn: partial(on_return_ended, clock=clock),
        },
    )


def _sent(event: AssignmentSent, cause: Cause) -> SentAssignment:
    return SentAssignment(
        assignment_id=event.assignment_id,
        lead_id=event.lead_id,
        installer_id=event.installer_id,
        product_type=event.selected_path.product_type,
        service=event.service,
        locality=_locality(event.location),
        delivered_at=event.sent_at,
        decision_id=event.decision_id,
        cause=cause,
    )


def _locality(location: Location) -> str:
    return f"{location.suburb} {location.state} {location.postcode}"


def _return_asked(incoming: Incoming[AssignmentReturnRequested]) -> ReturnAsked:
    event = incoming.event
    version = incoming.envelope.aggregate_version
    return ReturnAsked(event.assignment_id, event.installer_id, event.return_id, version, event.decide_by)


def _closed(
    incoming: Incoming[AssignmentReturned] | Incoming[AssignmentReturnDenied | AssignmentReturnWithdrawn],
) -> ReturnClosed:
    event = incoming.event
    return ReturnClosed(event.assignment_id, event.installer_id, event.return_id, incoming.envelope.aggregate_version)
