"""The words for where an invoice, a delivery and an adjustment stand."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contracts.values import InvoiceKind


class DocumentStatus(StrEnum):
    """What is stored: the document's own life."""

    DRAFT = "draft"
    ISSUED = "issued"
    VOID = "void"


class InvoiceStatus(StrEnum):
    """What is shown: the document's life and, once issued, what is paid of it or is not waited for any more."""

    DRAFT = "draft"
    ISSUED = "issued"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    WRITTEN_OFF = "written_off"
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
    """`unmatched` waits for the invoice that names its Stripe invoice; `held` waits for a person.

    `compared`: what it is about was looked up and held against our books. `kept`: nothing is asked when it comes.
    `unasked`: nobody can ask Stripe, as no key is set.
    """

    PENDING = "pending"
    PROCESSED = "processed"
    COMPARED = "compared"
    KEPT = "kept"
    IGNORED = "ignored"
    UNMATCHED = "unmatched"
    HELD = "held"
    UNASKED = "unasked"


class Action(StrEnum):
    """What can be done with an invoice as it stands; the same words in the API and on the page."""

    EDIT_LINES = "edit_lines"
    MARK_ISSUED = "mark_issued"
    SEND = "send"
    RECORD_PAYMENT = "record_payment"
    MARK_PAID = "mark_paid"
    APPLY_CREDIT = "apply_credit"
    WRITE_OFF = "write_off"
    ADJUST = "adjust"
    RESEND = "resend"
    VOID = "void"
    REDRAFT = "redraft"


def status_of(
    document_status: DocumentStatus, settled_cents: int, balance_cents: int, written_off_cents: int = 0
) -> InvoiceStatus:
    if document_status is not DocumentStatus.ISSUED:
        return InvoiceStatus(document_status)
    if balance_cents == 0:
        return InvoiceStatus.WRITTEN_OFF if written_off_cents else InvoiceStatus.PAID
    return InvoiceStatus.PARTIALLY_PAID if settled_cents else InvoiceStatus.ISSUED


def is_overdue(status: InvoiceStatus, due_at: datetime | None, now: datetime) -> bool:
    """Derived, never stored: the same invoice is overdue tomorrow without anyone touching it."""
    return status.is_owed and due_at is not None and now > due_at


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an invoice stands, as far as it decides what can be done with it.

    `has_money`: money came in for it, or pays for it. `has_credit`: its customer has money with us. `is_written_off`:
    an approved write-off stands, whatever is owed since. `is_write_off_asked`, `is_void_asked`: one waits for a second
    operator.
    """

    kind: InvoiceKind
    status: InvoiceStatus
    has_money: bool
    has_document: bool
    has_credit: bool = False
    is_replaced: bool = False
    is_written_off: bool = False
    is_write_off_asked: bool = False
    is_void_asked: bool = False


class Obstacle(StrEnum):
    """What is in the way of an action, as a sentence goes on after its name."""

    VOID = "it is void"
    NOT_VOID = "it stands: only a void invoice is drafted again"
    NOT_A_DRAFT = "it is issued, and nothing on its face changes: give a credit or charge a debit"
    NOT_ISSUED = "it is a draft: nothing is owed on it yet"
    DELIVERIES_ARE_ITS_LINES = "an installer's lines are its deliveries"
    SENT_BY_ITS_ISSUE = "an installer's invoice is mailed by its issue"
    ISSUED_BY_ITS_SENDING = "a client's invoice is issued by sending it"
    DRAFTED_WITH_ITS_MONTH = "an installer's month is drafted again with the others"
    REPLACED = "it is drafted again already"
    SETTLED = "nothing is left to pay"
    WRITTEN_OFF = "it is written off: reverse that first"
    WRITE_OFF_ASKED = "a write-off of it waits for approval"
    VOID_ASKED = "a void of it waits for approval"
    NO_CREDIT = "the customer has no credit with us"
    NO_DOCUMENT = "its document is not rendered yet: it takes moments"
    HAS_MONEY = "money came in for it: give a credit instead"


_DRAFTED = frozenset({Action.EDIT_LINES, Action.MARK_ISSUED, Action.SEND})
_PAID = frozenset({Action.RECORD_PAYMENT, Action.MARK_PAID, Action.APPLY_CREDIT})
_OWED = _PAID | {Action.WRITE_OFF}
_KEPT = frozenset({Action.WRITE_OFF, Action.ADJUST, Action.VOID})
_ISSUED = _OWED | {Action.ADJUST, Action.RESEND}

# Of which actions what is in the way when; the first that holds is told.
_RULES: tuple[tuple[frozenset[Action], Callable[[Standing], bool], Obstacle], ...] = (
    (frozenset({Action.EDIT_LINES}), lambda it: it.kind is InvoiceKind.INSTALLER, Obstacle.DELIVERIES_ARE_ITS_LINES),
    (frozenset({Action.SEND}), lambda it: it.kind is InvoiceKind.INSTALLER, Obstacle.SENT_BY_ITS_ISSUE),
    (frozenset({Action.MARK_ISSUED}), lambda it: it.kind is InvoiceKind.CLIENT, Obstacle.ISSUED_BY_ITS_SENDING),
    (frozenset({Action.REDRAFT}), lambda it: it.kind is InvoiceKind.INSTALLER, Obstacle.DRAFTED_WITH_ITS_MONTH),
    (frozenset({Action.REDRAFT}), lambda it: it.status is not InvoiceStatus.VOID, Obstacle.NOT_VOID),
    (frozenset({Action.REDRAFT}), lambda it: it.is_replaced, Obstacle.REPLACED),
    (frozenset(Action) - {Action.REDRAFT}, lambda it: it.status is InvoiceStatus.VOID, Obstacle.VOID),
    (frozenset({Action.VOID}), lambda it: it.has_money, Obstacle.HAS_MONEY),
    (_KEPT, lambda it: it.is_written_off, Obstacle.WRITTEN_OFF),
    (_PAID, lambda it: it.status is InvoiceStatus.WRITTEN_OFF, Obstacle.WRITTEN_OFF),
    (_DRAFTED, lambda it: it.status is not InvoiceStatus.DRAFT, Obstacle.NOT_A_DRAFT),
    (_ISSUED, lambda it: it.status is InvoiceStatus.DRAFT, Obstacle.NOT_ISSUED),
    (_OWED, lambda it: not it.status.is_owed, Obstacle.SETTLED),
    (frozenset({Action.WRITE_OFF}), lambda it: it.is_write_off_asked, Obstacle.WRITE_OFF_ASKED),
    (frozenset({Action.VOID}), lambda it: it.is_void_asked, Obstacle.VOID_ASKED),
    (frozenset({Action.APPLY_CREDIT}), lambda it: not it.has_credit, Obstacle.NO_CREDIT),
    (frozenset({Action.RESEND}), lambda it: not it.has_document, Obstacle.NO_DOCUMENT),
)


def obstacle_to(action: Action, standing: Standing) -> Obstacle | None:
    """The first thing in the way of it; None where it can be done."""
    return next((why for actions, holds, why in _RULES if action in actions and holds(standing)), None)


def available_actions(standing: Standing) -> tuple[Action, ...]:
    return tuple(action for action in Action if obstacle_to(action, standing) is None)


class BlockReason(StrEnum):
    """Why the books cannot be closed."""

    DELIVERIES_UNRECORDED = "deliveries_unrecorded"
