"""Messages: their states, what makes one the same as another, and when a deferred one is tried again."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from services.notifications.domain.purposes import MailPurpose
from services.notifications.domain.replies import BOUNCES, Verdict

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


class Standing(StrEnum):
    """A state as operators read it: with what has bounced, and what may have arrived, told apart."""

    QUEUED = "queued"
    SENDING = "sending"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"
    """Deferred, as the connection broke when the mail may have been handed over already."""
    ACCEPTED = "accepted"
    BOUNCED = "bounced"
    """The recipient's server refused it, or sent it back after it had taken it over."""
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


def standing_of(state: MessageState, reason_code: str | None) -> Standing:
    if state is MessageState.DEFERRED and reason_code == Verdict.OUTCOME_UNKNOWN:
        return Standing.UNKNOWN
    if state in (MessageState.FAILED, MessageState.ACCEPTED) and reason_code in BOUNCES:
        return Standing.BOUNCED
    return Standing(state)


class MessageAction(StrEnum):
    RETRY = "retry"


class RetryObstacle(StrEnum):
    """What is in the way of sending it again, as a sentence goes on after the action's name."""

    NOT_FAILED = "only what failed or was suppressed can be tried again"
    GIVEN_BACK = "its lead went back to the exception queue when this failed"
    CANCELLED = "what it is about was taken back"
    ERASED = "its address and content were erased"
    NO_ADDRESS = "its address is none that a server could be asked for"
    SUPPRESSED = "the address is on the suppression list"

    @property
    def yields_to_override(self) -> bool:
        return self is RetryObstacle.SUPPRESSED


@dataclass(frozen=True, slots=True)
class Settled:
    """What the rule asks of a message. `was_published`: other services have been told of its failure."""

    state: MessageState
    purpose: MailPurpose
    was_published: bool
    is_cancelled: bool
    is_erased: bool
    has_address: bool
    is_suppressed: bool


def obstacle_to_retry(message: Settled) -> RetryObstacle | None:
    """The first thing in the way; None where it can be queued again."""
    if not message.state.may_be_retried:
        return RetryObstacle.NOT_FAILED
    # Its assignment has failed with it: what arrives now nobody is charged for.
    if message.was_published and message.purpose is MailPurpose.LEAD_DELIVERY:
        return RetryObstacle.GIVEN_BACK
    if message.is_cancelled:
        return RetryObstacle.CANCELLED
    if message.is_erased:
        return RetryObstacle.ERASED
    if not message.has_address:
        return RetryObstacle.NO_ADDRESS
    return RetryObstacle.SUPPRESSED if message.is_suppressed else None


PUBLISHED = frozenset({MailPurpose.LEAD_DELIVERY, MailPurpose.INVOICE, MailPurpose.PAYOUT_RECEIPT})
"""The purposes whose outcome other services wait for."""
TELLS_OF_ASSIGNMENTS = frozenset({MailPurpose.LEAD_CORRECTION, MailPurpose.RETURN_ANSWER})
"""The purposes whose outcome is told beside the lead's; their context names the assignment and the lead."""

_PRIORITY = {
    MailPurpose.LEAD_DELIVERY: 0,
    MailPurpose.OPS_ALERT: 1,
    MailPurpose.TICKET_REPLY: 1,
    MailPurpose.ESCALATION: 1,
    # After the lead that it corrects, should both wait.
    MailPurpose.LEAD_CORRECTION: 1,
    MailPurpose.RETURN_ANSWER: 1,
    MailPurpose.INVOICE: 2,
    MailPurpose.PAYOUT_RECEIPT: 2,
    MailPurpose.STATEMENT: 2,
    MailPurpose.DIGEST: 3,
}


def priority_of(purpose: MailPurpose) -> int:
    """Lower goes first: a lead is worth less with every minute, a month's invoices are not."""
    return _PRIORITY[purpose]


def mail_class_of(purpose: MailPurpose) -> MailClass:
    return MailClass.DIGEST if purpose is MailPurpose.DIGEST else MailClass.TRANSACTIONAL


def retry_delay(tries: int) -> timedelta:
    """How long a message waits that was tried so often: 5 minutes at first, each time 1.3 times as long."""
    return FIRST_DELAY * DELAY_GROWTH ** (tries - 1)


def header_id(message_id: UUID, mail_domain: str) -> str:
    """The Message-ID: the same for every try, so that whoever gets a mail twice can see that it is one."""
    return f"<{message_id}@{mail_domain}>"
