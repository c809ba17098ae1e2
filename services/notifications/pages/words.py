"""The words and colours of mail on the pages: the same in a list, on a document and on what leads to it."""

from collections.abc import Mapping
from uuid import UUID

from chassis.console.wording import words
from services.notifications import drafts, returns
from services.notifications.commands.bounces import LEAD_BOUNCED
from services.notifications.domain.accounts import AccountState, HealthReason
from services.notifications.domain.messages import Standing
from services.notifications.domain.purposes import MailPurpose
from services.notifications.domain.replies import SuppressionSource
from services.notifications.domain.tickets import TicketState

STANDING_TONES: Mapping[str, str] = {
    Standing.QUEUED: "info",
    Standing.SENDING: "info",
    Standing.DEFERRED: "warning",
    Standing.UNKNOWN: "danger",
    Standing.ACCEPTED: "positive",
    Standing.BOUNCED: "danger",
    Standing.FAILED: "danger",
    Standing.SUPPRESSED: "warning",
}

TICKET_WORDS: Mapping[str, str] = {
    TicketState.OPEN: "Open",
    TicketState.PENDING: "Waits for them",
    TicketState.CLOSED: "Closed",
}
TICKET_TONES: Mapping[str, str] = {TicketState.OPEN: "warning", TicketState.PENDING: "info"}

ACCOUNT_TONES: Mapping[str, str] = {
    AccountState.ACTIVE: "positive",
    AccountState.THROTTLED: "warning",
    AccountState.COOLDOWN: "danger",
    AccountState.PROBING: "info",
    AccountState.SUSPENDED: "warning",
    AccountState.DISABLED: "danger",
}
HEALTH_REASONS: Mapping[str, str] = {
    HealthReason.CAP_NEAR: "the day's cap is nearly reached",
    HealthReason.CAP_REACHED: "the day's cap is reached",
    HealthReason.RATE_LIMITED: "the server takes no more just now",
    HealthReason.BOUNCE_RATE: "too many bounces",
    HealthReason.DELIVERY_FAULTS: "several faults in a row",
    HealthReason.AUTHENTICATION_FAILURES: "signing in failed too often",
    HealthReason.OPERATOR: "an operator's word",
}

SUPPRESSION_TONES: Mapping[str, str] = {"in_force": "warning"}
SOURCES: Mapping[str, str] = {
    SuppressionSource.SMTP: "The recipient's server",
    SuppressionSource.OPERATOR: "An operator",
}

REASONS: Mapping[str, str] = {
    "cancelled": "what it is about was taken back",
    "contact_erased": "the lead's contact was erased",
    "content_refused": "the server refused its content",
    "deferred": "not now, for this recipient",
    "delivered": "a later mail arrived",
    "expired": "its time is over",
    "given_up": "the server tried in vain until its time was over",
    "invoice_voided": "the invoice was voided",
    "mailbox_full": "the mailbox is full",
    "no_such_mailbox": "there is no such mailbox",
    "not_authenticated": "the account could not sign in",
    "not_rendered": "it could not be written",
    "operator": "put on the list by hand",
    "outcome_unknown": "the connection broke near the end",
    "recipient_invalid": "the address is none",
    "recipient_refused": "the server refused the recipient",
    "refused_by_policy": "the server's policy refused it",
    "sender_refused": "the server takes no mail from this account",
    "suppressed": "the address is on the suppression list",
    "throttled": "the server takes no more from this account now",
    "tries_exhausted": "all tries are spent",
    "unreachable": "the server could not be reached",
}

ROOMS: Mapping[str, tuple[str, str]] = {
    "assignment": ("routing", "/console/assignments"),
    "board": ("intake", "/console/boards"),
    "exception": ("routing", "/console/exceptions"),
    "expert": ("payouts", "/console/experts"),
    "installer": ("routing", "/console/installers"),
    "invoice": ("billing", "/console/invoices"),
    "lead": ("intake", "/console/leads"),
    "payout": ("payouts", "/console/payouts"),
    "return": ("routing", "/console/returns"),
    "ticket": ("notifications", "/console/tickets"),
}
"""Where a thing that a mail is about has its page: the service and the path before its id."""

_ALERTS = {
    kind.code: kind.title
    for kind in (
        drafts.DISPATCH_EXCEPTION,
        drafts.EXCEPTION_ESCALATED,
        drafts.DELIVERY_HELD,
        drafts.ALLOCATION_HELD,
        drafts.PAYMENT_HELD,
        drafts.OVER_PAID,
        drafts.PAYOUT_FAILED,
        drafts.PAYOUT_HELD,
        returns.NO_CONSENT,
        LEAD_BOUNCED,
    )
}


def reason_told(code: str | None) -> str:
    """In the words of a sentence that goes on; a code that nobody has put into words is told as it is."""
    return REASONS.get(code or "", words(code or "").lower())


def subject_told(purpose: MailPurpose, kind: str, subject_id: UUID, number: str | None) -> str:
    """As "Invoice WB-000042", "Assignment 1f4e9a3c" or an alert's title."""
    if purpose is MailPurpose.OPS_ALERT:
        return _ALERTS.get(kind, words(kind.replace(".", "_")))
    return f"{words(kind)} {number or str(subject_id)[-8:]}"
