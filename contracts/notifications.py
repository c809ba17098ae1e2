"""Events that notifications publishes. The subject is what the mail is about: `assignment`, `invoice`, `payout`."""

from typing import ClassVar
from uuid import UUID

from contracts import topics
from contracts.envelope import Event
from contracts.values import Instant, MessagePurpose


class MessageAccepted(Event):
    """The recipient's mail server took the mail over."""

    type: ClassVar[str] = "message.accepted"
    topic: ClassVar[topics.Topic] = topics.MESSAGES

    message_id: UUID
    purpose: MessagePurpose
    subject_kind: str
    subject_id: UUID
    accepted_at: Instant


class MessageFailed(Event):
    """The mail will not be delivered: it was refused for good, or the tries ran out."""

    type: ClassVar[str] = "message.failed"
    topic: ClassVar[topics.Topic] = topics.MESSAGES

    message_id: UUID
    purpose: MessagePurpose
    subject_kind: str
    subject_id: UUID
    reason_code: str
    smtp_status: int | None = None
    failed_at: Instant
