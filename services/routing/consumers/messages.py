"""What became of the mails: notifications says which were taken over, which were refused and which came back."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from chassis.clock import Clock
from chassis.consumer import Consumer
from contracts import topics
from contracts.envelope import Incoming
from contracts.notifications import MessageAccepted, MessageBounced, MessageFailed
from contracts.values import BounceClass, MessagePurpose
from services.routing.commands.bounces import Bounce, note_bounces
from services.routing.commands.deliveries import Delivery, DeliveryFailure, mark_failed, mark_sent

ASSIGNMENT = "assignment"


def of_messages(clock: Clock) -> Consumer:
    async def on_message_accepted(session: AsyncSession, batch: list[Incoming[MessageAccepted]]) -> None:
        await mark_sent(session, [_delivery(i) for i in batch if _is_ours(i.event)], clock.now())
        await session.flush()

    async def on_message_failed(session: AsyncSession, batch: list[Incoming[MessageFailed]]) -> None:
        await mark_failed(session, [_failure(i) for i in batch if _is_ours(i.event)], clock.now())
        await session.flush()

    async def on_message_bounced(session: AsyncSession, batch: list[Incoming[MessageBounced]]) -> None:
        await note_bounces(session, [_bounce(i) for i in batch if _is_ours(i.event)], clock.now())
        await session.flush()

    return Consumer(
        topics.MESSAGES,
        {
            MessageAccepted: on_message_accepted,
            MessageFailed: on_message_failed,
            MessageBounced: on_message_bounced,
        },
    )


def _is_ours(event: MessageAccepted | MessageFailed | MessageBounced) -> bool:
    """Other mails about an assignment, such as an alert that it failed, say nothing about its delivery."""
    return event.purpose is MessagePurpose.LEAD_DELIVERY and event.subject_kind == ASSIGNMENT


def _delivery(incoming: Incoming[MessageAccepted]) -> Delivery:
    return Delivery(incoming.event.subject_id, incoming.event.accepted_at, Cause.of(incoming.envelope))


def _failure(incoming: Incoming[MessageFailed]) -> DeliveryFailure:
    event = incoming.event
    cause = Cause.of(incoming.envelope)
    return DeliveryFailure(event.subject_id, event.reason_code, event.failed_at, event.smtp_status, cause)


def _bounce(incoming: Incoming[MessageBounced]) -> Bounce:
    event = incoming.event
    is_permanent = event.bounce_class is BounceClass.PERMANENT
    return Bounce(event.subject_id, event.reason_code, event.enhanced_status, is_permanent, Cause.of(incoming.envelope))
