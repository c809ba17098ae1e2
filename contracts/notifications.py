"""Events that notifications publishes. The subject is what the mail is about: `assignment`, `invoice`, `payout`."""

from typing import ClassVar
from uuid import UUID

from contracts import topics
from contracts.envelope import Event
from contracts.values import BounceClass, Instant, MessagePurpose


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


class MessageBounced(Event):
    """The mail came back after the recipient's mail server had taken it over: nobody has it.

    `enhanced_status` is RFC 3463's, as the notification gives it.
    """

    type: ClassVar[str] = "message.bounced"
    topic: ClassVar[topics.Topic] = topics.MESSAGES

    message_id: UUID
    purpose: MessagePurpose
    subject_kind: str
    subject_id: UUID
    bounce_class: BounceClass
    enhanced_status: str
    reason_code: str
    bounced_at: Instant
