"""Kafka in: leads from intake, what became of their mails from notifications, credits from billing.

Each handler flushes: what is wrong with its own rows is its own fault, and not the next one's or the commit's.
"""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.clock import Clock
from chassis.consumer import Consumer
from chassis.telemetry.privacy import told_fault
from contracts import topics
from contracts.billing import DeliveryCredited
from contracts.envelope import Incoming
from contracts.intake import LeadClosed, LeadCreated
from contracts.notifications import MessageAccepted, MessageFailed
from contracts.values import CapReleaseReason, MessagePurpose
from services.routing.commands.assignments import ReleaseCap, release_caps_for_credits
from services.routing.commands.closing import CloseLead, close_leads
from services.routing.commands.deliveries import Delivery, DeliveryFailure, mark_failed, mark_sent
from services.routing.commands.dispatch import DispatchLead, dispatch_leads, queue_failed
from services.routing.domain.counting import frees_the_cap

ASSIGNMENT = "assignment"

log = structlog.get_logger(__name__)


def consumers(clock: Clock) -> tuple[Consumer, ...]:
    async def on_lead_created(session: AsyncSession, batch: list[Incoming[LeadCreated]]) -> None:
        await dispatch_leads(session, [_lead(incoming) for incoming in batch], clock.now())
        await session.flush()

    async def leave_to_operators(session: AsyncSession, incoming: Incoming[LeadCreated], fault: Exception) -> None:
        lead = _lead(incoming)
        log.error("dispatch_failed", lead_id=str(lead.lead_id), fault=type(fault).__name__, trace=told_fault(fault))
        await queue_failed(session, lead, type(fault).__name__, clock.now())
        await session.flush()

    async def on_lead_closed(session: AsyncSession, batch: list[Incoming[LeadClosed]]) -> None:
        await close_leads(session, [_closing(incoming) for incoming in batch], clock.now())
        await session.flush()

    async def on_message_accepted(session: AsyncSession, batch: list[Incoming[MessageAccepted]]) -> None:
        await mark_sent(session, [_delivery(i) for i in batch if _is_ours(i.event)], clock.now())
        await session.flush()

    async def on_message_failed(session: AsyncSession, batch: list[Incoming[MessageFailed]]) -> None:
        await mark_failed(session, [_failure(i) for i in batch if _is_ours(i.event)], clock.now())
        await session.flush()

    async def on_delivery_credited(session: AsyncSession, batch: list[Incoming[DeliveryCredited]]) -> None:
        credits_ = [_release(i) for i in batch if frees_the_cap(i.event.reason_code)]
        await release_caps_for_credits(session, credits_, clock.now())
        await session.flush()

    return (
        Consumer(
            topics.LEADS,
            {LeadCreated: on_lead_created, LeadClosed: on_lead_closed},
            last_resorts={LeadCreated: leave_to_operators},
        ),
        Consumer(topics.MESSAGES, {MessageAccepted: on_message_accepted, MessageFailed: on_message_failed}),
        Consumer(topics.DELIVERIES, {DeliveryCredited: on_delivery_credited}),
    )


def _is_ours(event: MessageAccepted | MessageFailed) -> bool:
    """Other mails about an assignment, such as an alert that it failed, say nothing about its delivery."""
    return event.purpose is MessagePurpose.LEAD_DELIVERY and event.subject_kind == ASSIGNMENT


def _lead(incoming: Incoming[LeadCreated]) -> DispatchLead:
    event = incoming.event
    return DispatchLead(
        lead_id=event.lead_id,
        selected_path=event.selected_path,
        service=event.service,
        location=event.location,
        contact=event.contact,
        received_at=event.received_at,
        cause=Cause.of(incoming.envelope),
    )


def _closing(incoming: Incoming[LeadClosed]) -> CloseLead:
    event = incoming.event
    return CloseLead(event.lead_id, event.reason_code, event.closed_at, Cause.of(incoming.envelope))


def _delivery(incoming: Incoming[MessageAccepted]) -> Delivery:
    return Delivery(incoming.event.subject_id, incoming.event.accepted_at, Cause.of(incoming.envelope))


def _failure(incoming: Incoming[MessageFailed]) -> DeliveryFailure:
    event = incoming.event
    cause = Cause.of(incoming.envelope)
    return DeliveryFailure(event.subject_id, event.reason_code, event.failed_at, event.smtp_status, cause)


def _release(incoming: Incoming[DeliveryCredited]) -> ReleaseCap:
    event = incoming.event
    note = f"credited: {event.reason_code}"
    return ReleaseCap(event.assignment_id, CapReleaseReason.CREDIT_LINKED, note, cause=Cause.of(incoming.envelope))
