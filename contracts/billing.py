"""Events that billing publishes."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts import topics
from contracts.envelope import Event
from contracts.values import (
    AdjustmentType,
    Cents,
    Currency,
    DocumentKind,
    GstTreatment,
    Instant,
    InvoiceKind,
    ProductType,
    Word,
)


class DeliveryRecorded(Event):
    """A delivery stands in the ledger, at the price of its instant, for ever.

    The plan's version says why it costs this, routing's decision why this installer got it.
    """

    type: ClassVar[str] = "delivery.recorded"
    topic: ClassVar[topics.Topic] = topics.DELIVERIES
    schema_version: ClassVar[int] = 2

    assignment_id: UUID
    delivery_event_id: UUID
    lead_id: UUID
    installer_id: UUID
    product_type: ProductType
    unit_price_cents: Cents
    currency: Currency
    gst_treatment: GstTreatment
    delivered_at: Instant
    price_plan_id: UUID | None = None
    decision_id: UUID | None = None


class DeliveryHeld(Event):
    """A delivery could not be priced; its month cannot close until it is."""

    type: ClassVar[str] = "delivery.held"
    topic: ClassVar[topics.Topic] = topics.DELIVERIES

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    reason_code: str
    delivered_at: Instant


class DeliveryCredited(Event):
    """A delivery was credited to the installer."""

    type: ClassVar[str] = "delivery.credited"
    topic: ClassVar[topics.Topic] = topics.DELIVERIES

    assignment_id: UUID
    delivery_event_id: UUID
    installer_id: UUID
    invoice_id: UUID
    reason_code: str
    credited_at: Instant


class DeliveryVoided(Event):
    """A delivery that stood on no invoice is not billed at all."""

    type: ClassVar[str] = "delivery.voided"
    topic: ClassVar[topics.Topic] = topics.DELIVERIES

    assignment_id: UUID
    delivery_event_id: UUID
    installer_id: UUID
    reason_code: str
    voided_at: Instant


class DeliveryCreditAnswered(Event):
    """What became of a request for a credit; of several answers to one request the last stands.

    `result`: `proposed`, `pending_approval` and `waits_for_invoice` are not the last; `credited`, `voided`,
    `not_charged`, `declined` and `refused` are.
    """

    type: ClassVar[str] = "delivery.credit_answered"
    topic: ClassVar[topics.Topic] = topics.DELIVERIES

    assignment_id: UUID
    request_id: UUID
    lead_id: UUID
    installer_id: UUID
    result: Word
    reason_code: Word
    detail: str | None = None
    adjustment_id: UUID | None = None
    invoice_id: UUID | None = None
    amount_cents: Cents | None = None
    currency: Currency
    answered_at: Instant


class InvoiceDrafted(Event):
    """A draft exists. `period_*` for an installer's month, `board_id` for a client's board.

    `replaces_invoice_id` is the void invoice whose place it takes.
    """

    type: ClassVar[str] = "invoice.drafted"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    kind: InvoiceKind
    installer_id: UUID | None = None
    client_id: UUID | None = None
    board_id: UUID | None = None
    period_start: Instant | None = None
    period_end: Instant | None = None
    total_cents: Cents
    currency: Currency
    replaces_invoice_id: UUID | None = None


class InvoiceIssued(Event):
    """The invoice has its number and is frozen. `total = subtotal - credits + debits + gst`."""

    type: ClassVar[str] = "invoice.issued"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    kind: InvoiceKind
    number: str
    installer_id: UUID | None = None
    client_id: UUID | None = None
    board_id: UUID | None = None
    subtotal_cents: Cents
    gst_cents: Cents
    total_cents: Cents
    currency: Currency
    stripe_invoice_id: str | None = None
    issued_at: Instant
    due_at: Instant


class InvoiceDeliveriesListed(Event):
    """Which deliveries the invoice charges, in parts from 1; with `adjustment_id`, those that a debit charged later."""

    type: ClassVar[str] = "invoice.deliveries_listed"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    number: str
    kind: InvoiceKind
    part_no: int
    assignment_ids: Annotated[tuple[UUID, ...], Field(max_length=1000)]
    adjustment_id: UUID | None = None
    listed_at: Instant


class InvoiceDocumentRendered(Event):
    """The document's bytes, rendered once: what a page shows, the first mail carries and a resend carries."""

    type: ClassVar[str] = "invoice.document_rendered"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    document_id: UUID
    kind: DocumentKind
    number: str
    file_name: str
    media_type: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    content_base64: str


class InvoiceSent(Event):
    """The document is to be mailed to the recipient; `send_no` counts the sendings, 1 is the first.

    Each of `copy_to` gets a mail of its own with the same document.
    """

    type: ClassVar[str] = "invoice.sent"
    topic: ClassVar[topics.Topic] = topics.INVOICES
    schema_version: ClassVar[int] = 2

    invoice_id: UUID
    document_id: UUID
    kind: InvoiceKind
    number: str
    send_no: int
    recipient_name: str
    recipient_email: str
    total_cents: Cents
    balance_cents: Cents
    currency: Currency
    due_at: Instant
    payment_url: str | None = None
    sent_at: Instant
    copy_to: tuple[str, ...] = ()


class InvoicePaymentRecorded(Event):
    """Money came in for the invoice; `balance_cents` is what is left to pay.

    `customer_credit_cents` is what of it was more than was owed: it is kept for the customer.
    """

    type: ClassVar[str] = "invoice.payment_recorded"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    payment_id: UUID
    amount_cents: Cents
    currency: Currency
    method: str
    received_at: Instant
    balance_cents: Cents
    customer_credit_cents: Cents | None = None


class InvoicePaymentHeld(Event):
    """Stripe has a payment of the invoice that is not in the books: an operator must see to it."""

    type: ClassVar[str] = "invoice.payment_held"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    external_payment_ref: str
    amount_cents: Annotated[int, Field(description="integer cents of `payment_currency`")]
    payment_currency: str
    reason_code: str
    detail: str
    held_at: Instant


class InvoiceCreditApplied(Event):
    """What the customer had with us paid for the invoice; `balance_cents` is what is left to pay."""

    type: ClassVar[str] = "invoice.credit_applied"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    amount_cents: Cents
    currency: Currency
    balance_cents: Cents
    applied_at: Instant


class InvoicePaid(Event):
    """Nothing is left to pay."""

    type: ClassVar[str] = "invoice.paid"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    kind: InvoiceKind
    number: str
    installer_id: UUID | None = None
    client_id: UUID | None = None
    board_id: UUID | None = None
    total_cents: Cents
    currency: Currency
    paid_at: Instant


class InvoiceAdjusted(Event):
    """A credit (adjustment note) or debit changed what is owed; the issued invoice itself did not change.

    `customer_credit_cents` is what of a credit had been paid already: it is kept for the customer.
    """

    type: ClassVar[str] = "invoice.adjusted"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    adjustment_id: UUID
    adjustment_type: AdjustmentType
    reason_code: str
    amount_cents: Cents
    gst_cents: Cents
    currency: Currency
    balance_cents: Cents
    customer_credit_cents: Cents | None = None
    adjusted_at: Instant


class InvoiceVoided(Event):
    """The invoice is void; its number stays taken.

    `paid_at` is there where it had been told as paid, which only an invoice for nothing can be. A client's board stays
    closed and its experts' pay earned: another invoice of the board may follow.
    """

    type: ClassVar[str] = "invoice.voided"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    kind: InvoiceKind
    number: str | None = None
    installer_id: UUID | None = None
    client_id: UUID | None = None
    board_id: UUID | None = None
    reason_code: str
    paid_at: Instant | None = None
    voided_at: Instant


class AccountChanged(Event):
    """What stands with who is billed; `account_id` is the installer's or the client's id.

    Overdue is part of outstanding. Collectable: we have a way by which they can pay. The terms are finance's own word,
    where there is one.
    """

    type: ClassVar[str] = "account.changed"
    topic: ClassVar[topics.Topic] = topics.ACCOUNTS
    schema_version: ClassVar[int] = 2

    account_id: UUID
    kind: InvoiceKind
    has_prices: bool
    credit_hold: bool
    credit_hold_reason: str | None = None
    outstanding_cents: Cents
    overdue_cents: Cents
    currency: Currency
    is_collectable: bool
    changed_at: Instant
    terms_override_days: int | None = None
    stripe_customer_id: str | None = None
