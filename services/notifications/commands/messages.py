"""Messages: queued once, cancelled while there is time, tried again when an operator says so."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.causation import Cause
from chassis.errors import NotFound, Refusal
from chassis.ids import new_id
from contracts.envelope import Event
from contracts.notifications import MessageAccepted, MessageFailed, MessageSettled
from services.notifications.domain.addresses import address_hash, is_deliverable, normalised, one_line
from services.notifications.domain.messages import (
    PUBLISHED,
    TELLS_OF_ASSIGNMENTS,
    MessageState,
    RetryObstacle,
    header_id,
    mail_class_of,
    obstacle_to_retry,
    priority_of,
)
from services.notifications.domain.purposes import MailPurpose
from services.notifications.errors import (
    AddressSuppressed,
    LeadGivenBack,
    MessageCancelled,
    MessageErased,
    MessageNotRetryable,
)
from services.notifications.models import Message
from services.notifications.queries.messages import (
    ERASE_MESSAGES,
    ERASE_RESPONSES,
    lock_uncancelled_about,
    messages_to_erase,
)
from services.notifications.queries.suppressions import suppressed_hashes
from services.notifications.rendering import CURRENT_VERSION


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail to be. `withheld` is why it cannot be sent although it should: then it is born failed, and told so."""

    purpose: MailPurpose
    subject_kind: str
    subject_id: UUID
    recipient_email: str
    recipient_name: str
    context: Mapping[str, Any]
    cause: Cause | None = None
    send_no: int = 1
    document_id: UUID | None = None
    thread_id: UUID | None = None
    header_id: str | None = None
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    due_at: datetime | None = None
    withheld: str | None = None
    waits_for_lead_id: UUID | None = None
    id: UUID = field(default_factory=new_id)

    @property
    def refusal(self) -> str | None:
        return self.withheld or (None if is_deliverable(self.recipient_email) else "recipient_invalid")


async def queue_messages(session: AsyncSession, drafts: Sequence[Draft], mail_domain: str, now: datetime) -> set[UUID]:
    """Queues each draft unless its mail exists already; returns the ids of those that are new."""
    if not drafts:
        return set()
    insertion = insert(Message).on_conflict_do_nothing(constraint="uq_messages_once").returning(Message.id)
    fresh = set(await session.scalars(insertion, [_row(draft, mail_domain, now) for draft in drafts]))
    for draft in drafts:
        if draft.id in fresh and draft.refusal is not None and draft.purpose in PUBLISHED | TELLS_OF_ASSIGNMENTS:
            outbox.add(session, _born_failed(draft, draft.refusal, now), version=1, cause=draft.cause)
    return fresh


def _row(draft: Draft, mail_domain: str, now: datetime) -> dict[str, Any]:
    """An address that no server could be asked for may be anything at all: it is cut to what a column may hold."""
    email = (
        normalised(draft.recipient_email) if is_deliverable(draft.recipient_email) else one_line(draft.recipient_email)
    )
    return {
        "id": draft.id,
        "version": 0 if draft.refusal is None else 1,
        "purpose": draft.purpose,
        "subject_kind": draft.subject_kind,
        "subject_id": draft.subject_id,
        "recipient_hash": address_hash(draft.recipient_email),
        "send_no": draft.send_no,
        "recipient_email": email,
        "recipient_name": one_line(draft.recipient_name),
        "mail_class": mail_class_of(draft.purpose),
        "priority": priority_of(draft.purpose),
        "template": draft.purpose,
        "template_version": CURRENT_VERSION[draft.purpose],
        "context": dict(draft.context),
        "extra_headers": dict(draft.extra_headers),
        "waits_for_lead_id": draft.waits_for_lead_id,
        "document_id": draft.document_id,
        "thread_id": draft.thread_id,
        "header_id": draft.header_id or header_id(draft.id, mail_domain),
        "state": MessageState.QUEUED if draft.refusal is None else MessageState.FAILED,
        "state_since": now,
        "reason_code": draft.refusal,
        "next_attempt_at": draft.due_at or now,
        "correlation_id": draft.cause.correlation_id if draft.cause else None,
        "causation_id": draft.cause.causation_id if draft.cause else None,
        "traceparent": draft.cause.traceparent if draft.cause else None,
        "created_at": now,
    }


def _born_failed(draft: Draft, reason_code: str, now: datetime) -> Event:
    if draft.purpose in TELLS_OF_ASSIGNMENTS:
        return MessageSettled(
            message_id=draft.id,
            **_assignment_in(draft.context),
            purpose=draft.purpose,
            outcome=MessageState.FAILED,
            reason_code=reason_code,
            settled_at=now,
        )
    return MessageFailed(
        message_id=draft.id,
        purpose=draft.purpose.on_the_wire,
        subject_kind=draft.subject_kind,
        subject_id=draft.subject_id,
        reason_code=reason_code,
        failed_at=now,
    )


async def cancel_messages(
    session: AsyncSession,
    purpose: MailPurpose,
    subject_ids: Collection[UUID],
    now: datetime,
    reason_code: str = "cancelled",
) -> None:
    """Stops what was not sent yet. What is just being sent is let go; should it come back, it is not tried again.

    What had failed before keeps its state, but nobody can have it sent any more.
    """
    for message in await lock_uncancelled_about(session, purpose, subject_ids):
        cancel(message, reason_code, now)
    await session.flush()


def cancel(message: Message, reason_code: str, now: datetime) -> None:
    message.cancelled_at = now
    if message.state.is_waiting:
        settle(message, MessageState.CANCELLED, reason_code, now)


async def retry_message(
    session: AsyncSession, message_id: UUID, actor: Actor, reason: str, *, override_suppression: bool, now: datetime
) -> Message:
    """Queues a message anew that failed or was suppressed; its tries begin again. Queued already: nothing to do."""
    message = NotFound.unless(
        await session.get(Message, message_id, with_for_update=True, populate_existing=True),
        "no such message",
        message_id=message_id,
    )
    if message.state.is_waiting:
        return message
    await _refuse_retry(session, message, override_suppression, now)
    before = {"state": message.state, "reason_code": message.reason_code}
    settle(message, MessageState.QUEUED, None, now)
    message.next_attempt_at = now
    message.tries = 0
    message.override_reason = reason if override_suppression else message.override_reason
    await audit.record(
        session,
        actor=actor,
        action="retry_message",
        subject=Subject("message", message.id),
        before=before,
        after={"state": message.state, "override_suppression": override_suppression},
        reason_text=reason,
    )
    await session.flush()
    return message


_REFUSALS: Mapping[RetryObstacle, tuple[type[Refusal], str]] = {
    RetryObstacle.NOT_FAILED: (MessageNotRetryable, RetryObstacle.NOT_FAILED),
    RetryObstacle.GIVEN_BACK: (
        LeadGivenBack,
        "give the lead out again from routing's exception queue, where it may have another installer by now",
    ),
    RetryObstacle.CANCELLED: (MessageCancelled, "what it is about was taken back meanwhile"),
    RetryObstacle.ERASED: (MessageErased, "its address and content were erased"),
    RetryObstacle.NO_ADDRESS: (MessageNotRetryable, "its address is none that a server could be asked for"),
    RetryObstacle.SUPPRESSED: (AddressSuppressed, "lift the suppression, or override it with a reason"),
}


async def _refuse_retry(session: AsyncSession, message: Message, override_suppression: bool, now: datetime) -> None:
    standing = await suppressed_hashes(session, [message.recipient_hash], now)
    obstacle = obstacle_to_retry(message.settled(is_suppressed=bool(standing) and not override_suppression))
    if obstacle is None:
        return
    refusal, detail = _REFUSALS[obstacle]
    lead: dict[str, Any] = {"assignment_id": message.subject_id} if obstacle is RetryObstacle.GIVEN_BACK else {}
    raise refusal(detail, message_id=message.id, **lead)


def settle(message: Message, state: MessageState, reason_code: str | None, now: datetime) -> None:
    """The message takes a new state and is in nobody's hands."""
    message.state = state
    message.state_since = now
    message.reason_code = reason_code
    message.lease_until = None
    message.accepted_at = now if state is MessageState.ACCEPTED else None


def publish_outcome(session: AsyncSession, message: Message, now: datetime) -> None:
    """Tells those who wait for this mail what became of it; of other mail, nobody is told."""
    purpose, state = message.purpose, message.state
    if purpose in TELLS_OF_ASSIGNMENTS:
        publish_settled(session, message, now)
    if purpose not in PUBLISHED:
        return
    subject: dict[str, Any] = {
        "message_id": message.id,
        "purpose": purpose.on_the_wire,
        "subject_kind": message.subject_kind,
        "subject_id": message.subject_id,
    }
    if state is MessageState.ACCEPTED:
        outbox.add(
            session,
            MessageAccepted(**subject, accepted_at=now),
            version=message.next_version(),
            cause=cause_of(message),
        )
    elif state in (MessageState.FAILED, MessageState.SUPPRESSED):
        event = MessageFailed(
            **subject, reason_code=message.reason_code or state, smtp_status=message.smtp_status, failed_at=now
        )
        outbox.add(session, event, version=message.next_version(), cause=cause_of(message))


def publish_settled(session: AsyncSession, message: Message, now: datetime) -> None:
    """Of a mail about an assignment: again where it comes back, of which its words must still be kept."""
    state, is_back = message.state, message.bounced_at is not None
    context = message.context or {}
    is_settled = state in (MessageState.ACCEPTED, MessageState.FAILED, MessageState.SUPPRESSED)
    # A mail of the version before may wait that does not name both.
    if not is_settled or ABOUT - context.keys():
        return
    is_accepted = state is MessageState.ACCEPTED and not is_back
    event = MessageSettled(
        message_id=message.id,
        **_assignment_in(context),
        purpose=message.purpose,
        outcome="bounced" if is_back else MessageState.ACCEPTED if is_accepted else MessageState.FAILED,
        reason_code=None if is_accepted else message.reason_code or state,
        smtp_status=None if is_accepted or is_back else message.smtp_status,
        settled_at=now,
    )
    outbox.add(session, event, version=message.next_version(), cause=cause_of(message))


ABOUT = {"assignment_id", "lead_id"}


def _assignment_in(context: Mapping[str, Any]) -> dict[str, Any]:
    return {name: context[name] for name in ABOUT}


def cause_of(message: Message) -> Cause | None:
    if message.correlation_id is None:
        return None
    return Cause(message.correlation_id, message.causation_id, message.traceparent)


async def erase_contents(session: AsyncSession, settled_before: datetime, portion: int, now: datetime) -> int:
    """Erases address, name and content of messages that were settled so long ago; returns how many there were."""
    ids = await messages_to_erase(session, settled_before, portion)
    await session.execute(ERASE_MESSAGES, {"ids": ids, "now": now})
    await session.execute(ERASE_RESPONSES, {"ids": ids})
    return len(ids)
