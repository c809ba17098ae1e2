"""Messages: their states, what makes one the same as another, and when a deferred one is tried again."""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from contracts.values import MessagePurpose

MOST_TRIES = 18
FIRST_DELAY = timedelta(minutes=5)
DELAY_GROWTH = 1.3
ACCOUNT_FAULT_DELAY = timedelta(seconds=30)
"""After a fault that is the sender account's alone: soon again, by another account if there is one."""


class MailClass(StrEnum):
    """What a sender account may carry: mail that someone waits for, or mail that can wait."""

    TRANSACTIONAL = "transactional"
    DIGEST = "digest"


class MessageState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"

    @property
    def is_waiting(self) -> bool:
        return self in (MessageState.QUEUED, MessageState.DEFERRED)

    @property
    def is_settled(self) -> bool:
        return not self.is_waiting and self is not MessageState.SENDING

    @property
    def may_be_retried(self) -> bool:
        return self in (MessageState.FAILED, MessageState.SUPPRESSED)


PUBLISHED = frozenset({MessagePurpose.LEAD_DELIVERY, MessagePurpose.INVOICE, MessagePurpose.PAYOUT_RECEIPT})
"""The purposes whose outcome other services wait for."""

_PRIORITY = {
    MessagePurpose.LEAD_DELIVERY: 0,
    MessagePurpose.OPS_ALERT: 1,
    MessagePurpose.TICKET_REPLY: 1,
    MessagePurpose.INVOICE: 2,
    MessagePurpose.PAYOUT_RECEIPT: 2,
    MessagePurpose.DIGEST: 3,
}


def priority_of(purpose: MessagePurpose) -> int:
    """Lower goes first: a lead is worth less with every minute, a month's invoices are not."""
    return _PRIORITY[purpose]


def mail_class_of(purpose: MessagePurpose) -> MailClass:
    return MailClass.DIGEST if purpose is MessagePurpose.DIGEST else MailClass.TRANSACTIONAL


def retry_delay(tries: int) -> timedelta:
    """How long a message waits that was tried so often: 5 minutes at first, each time 1.3 times as long."""
    return FIRST_DELAY * DELAY_GROWTH ** (tries - 1)


def header_id(message_id: UUID, mail_domain: str) -> str:
    """The Message-ID: the same for every try, so that whoever gets a mail twice can see that it is one."""
    return f"<{message_id}@{mail_domain}>"
