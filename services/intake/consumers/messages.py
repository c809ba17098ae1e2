"""What became of the mails that bring installers our leads, and of those that tell of leads they have."""

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.consumer import Consumer
from contracts.envelope import Incoming
from contracts.notifications import MessageAccepted, MessageBounced, MessageFailed, MessageSettled
from contracts.topics import MESSAGES
from contracts.values import MessagePurpose
from services.intake.commands.following import Told, follow_messages
from services.intake.consumers.remembered import remembered

ASSIGNMENT = "assignment"


async def on_accepted(session: AsyncSession, batch: list[Incoming[MessageAccepted]]) -> None:
    await _follow(session, [_accepted(incoming) for incoming in batch if _brings_a_lead(incoming.event)])


async def on_failed(session: AsyncSession, batch: list[Incoming[MessageFailed]]) -> None:
    await _follow(session, [_failed(incoming) for incoming in batch if _brings_a_lead(incoming.event)])


async def on_settled(session: AsyncSession, batch: list[Incoming[MessageSettled]]) -> None:
    await _follow(session, [_settled(incoming) for incoming in batch])


async def on_bounced(session: AsyncSession, batch: list[Incoming[MessageBounced]]) -> None:
    await _follow(session, [_bounced(incoming) for incoming in batch if _brings_a_lead(incoming.event)])


async def _follow(session: AsyncSession, told: list[Told]) -> None:
    if told:
        await follow_messages(session, told)


def _brings_a_lead(event: MessageAccepted | MessageFailed | MessageBounced) -> bool:
    return event.purpose is MessagePurpose.LEAD_DELIVERY and event.subject_kind == ASSIGNMENT


def _accepted(incoming: Incoming[MessageAccepted]) -> Told:
    event = incoming.event
    facts = {"outcome": "accepted", "at": event.accepted_at, "reason_code": None, "smtp_status": None}
    return Told(event.message_id, incoming.envelope.aggregate_version, facts, {"assignment_id": event.subject_id})


def _failed(incoming: Incoming[MessageFailed]) -> Told:
    event = incoming.event
    facts = {
        "outcome": "failed",
        "at": event.failed_at,
        "reason_code": event.reason_code,
        "smtp_status": event.smtp_status,
    }
    return Told(event.message_id, incoming.envelope.aggregate_version, facts, {"assignment_id": event.subject_id})


def _settled(incoming: Incoming[MessageSettled]) -> Told:
    event = incoming.event
    facts = {
        "outcome": event.outcome,
        "at": event.settled_at,
        "reason_code": event.reason_code,
        "smtp_status": event.smtp_status,
    }
    known = {"assignment_id": event.assignment_id, "purpose": event.purpose}
    return Told(event.message_id, incoming.envelope.aggregate_version, facts, known)


def _bounced(incoming: Incoming[MessageBounced]) -> Told:
    """It had been accepted, which stays true: only what is known of nothing else is assumed from it."""
    event = incoming.event
    facts = {
        "bounced_at": event.bounced_at,
        "bounce_status": event.enhanced_status,
        "bounce_reason": event.reason_code,
    }
    assumed = {"assignment_id": event.subject_id, "outcome": "accepted", "at": event.bounced_at}
    return Told(event.message_id, incoming.envelope.aggregate_version, facts, assumed)


CONSUMER = Consumer(
    MESSAGES,
    remembered(
        {
            MessageAccepted: on_accepted,
            MessageBounced: on_bounced,
            MessageFailed: on_failed,
            MessageSettled: on_settled,
        }
    ),
)
