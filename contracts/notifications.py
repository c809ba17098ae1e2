"""Events that notifications publishes. The subject is what the mail is about: `assignment`, `invoice`, `payout`."""

from typing import ClassVar
from uuid import UUID

from contracts import topics
from contracts.envelope import Event
from contracts.values import BounceClass, Instant, MessagePurpose, Word


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


class MessageSettled(Event):
    """What became of a mail that tells an installer something of a lead it has already; of several the last stands.

    `purpose`: `lead_correction` or `return_answer`; `outcome`: `accepted` or `failed`, as the mail that brings a lead,
    or `bounced` where it came back after it had been accepted.
    """

    type: ClassVar[str] = "message.settled"
    topic: ClassVar[topics.Topic] = topics.MESSAGES

    message_id: UUID
    assignment_id: UUID
    lead_id: UUID
    purpose: Word
    outcome: Word
    reason_code: str | None = None
    smtp_status: int | None = None
    settled_at: Instant


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
