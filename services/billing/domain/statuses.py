"""The words for where an invoice, a delivery and an adjustment stand."""

from datetime import datetime
from enum import StrEnum

from contracts.values import InvoiceKind


class DocumentStatus(StrEnum):
    """What is stored: the document's own life."""

    DRAFT = "draft"
    ISSUED = "issued"
    VOID = "void"


class InvoiceStatus(StrEnum):
    """What is shown: the document's life and, once issued, what is paid of it."""

    DRAFT = "draft"
    ISSUED = "issued"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    VOID = "void"

    @property
    def is_owed(self) -> bool:
        return self in {InvoiceStatus.ISSUED, InvoiceStatus.PARTIALLY_PAID}


class EventStatus(StrEnum):
    """A delivery in the ledger: credited after it was billed, or void before it ever was."""

    BILLABLE = "billable"
    CREDITED = "credited"
    VOID = "void"


class AdjustmentState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class PaymentMethod(StrEnum):
    BANK_TRANSFER = "bank_transfer"
    CARD = "card"
    CHEQUE = "cheque"
    CASH = "cash"
    STRIPE = "stripe"
    OTHER = "other"


class StripeEventState(StrEnum):
    """`unmatched` waits for the invoice that names its Stripe invoice; `held` waits for a person."""

    PENDING = "pending"
    PROCESSED = "processed"
    IGNORED = "ignored"
    UNMATCHED = "unmatched"
    HELD = "held"


class Action(StrEnum):
    """What can be done with an invoice as it stands; the same words in the API and on the page."""

    EDIT_LINES = "edit_lines"
    MARK_ISSUED = "mark_issued"
    SEND = "send"
    RECORD_PAYMENT = "record_payment"
    MARK_PAID = "mark_paid"
    APPLY_CREDIT = "apply_credit"
    ADJUST = "adjust"
    RESEND = "resend"
    VOID = "void"
    REDRAFT = "redraft"


def status_of(document_status: DocumentStatus, settled_cents: int, balance_cents: int) -> InvoiceStatus:
    if document_status is not DocumentStatus.ISSUED:
        return InvoiceStatus(document_status)
    if balance_cents == 0:
        return InvoiceStatus.PAID
    return InvoiceStatus.PARTIALLY_PAID if settled_cents else InvoiceStatus.ISSUED


def is_overdue(status: InvoiceStatus, due_at: datetime | None, now: datetime) -> bool:
    """Derived, never stored: the same invoice is overdue tomorrow without anyone touching it."""
    return status.is_owed and due_at is not None and now > due_at


def available_actions(
    kind: InvoiceKind,
    status: InvoiceStatus,
    *,
    has_money: bool,
    has_document: bool,
    has_credit: bool = False,
    is_replaced: bool = False,
) -> tuple[Action, ...]:
    """`has_money`: money came in for it, or pays for it. `has_credit`: its customer has money with us."""
    if status is InvoiceStatus.VOID:
        # An installer's month is drafted anew with all the others.
        return (Action.REDRAFT,) if kind is InvoiceKind.CLIENT and not is_replaced else ()
    if status is InvoiceStatus.DRAFT:
        client = kind is InvoiceKind.CLIENT
        return (Action.EDIT_LINES, Action.SEND, Action.VOID) if client else (Action.MARK_ISSUED, Action.VOID)
    allowed = {
        Action.RECORD_PAYMENT: status.is_owed,
        Action.MARK_PAID: status.is_owed,
        Action.APPLY_CREDIT: status.is_owed and has_credit,
        Action.ADJUST: True,
        Action.RESEND: has_document,
        Action.VOID: not has_money,
    }
    return tuple(action for action, is_allowed in allowed.items() if is_allowed)
