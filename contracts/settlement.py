"""Events of an invoice's settlement that take something back or promise it; billing publishes them on its invoices."""

from typing import ClassVar
from uuid import UUID

from contracts import topics
from contracts.envelope import Event
from contracts.values import AdjustmentType, Cents, Currency, Day, Instant, InvoiceKind, Word


class InvoicePaymentReversed(Event):
    """Money that had come in for the invoice went back, all of the payment or a part; `balance_cents` is owed now.

    `was_paid`: it had been told as paid and is no more. What waits for its payment waits again.
    """

    type: ClassVar[str] = "invoice.payment_reversed"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    kind: InvoiceKind
    installer_id: UUID | None = None
    client_id: UUID | None = None
    board_id: UUID | None = None
    payment_id: UUID
    reversal_id: UUID
    reason_code: Word
    amount_cents: Cents
    currency: Currency
    balance_cents: Cents
    was_paid: bool
    reversed_at: Instant


class InvoiceWrittenOff(Event):
    """What was left to pay is not waited for any more. It is not paid; `gst_cents` of the amount was taken back."""

    type: ClassVar[str] = "invoice.written_off"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    write_off_id: UUID
    kind: InvoiceKind
    number: str
    installer_id: UUID | None = None
    client_id: UUID | None = None
    board_id: UUID | None = None
    amount_cents: Cents
    gst_cents: Cents
    currency: Currency
    reason_code: Word
    written_off_at: Instant


class InvoiceWriteOffReversed(Event):
    """What had been written off is owed again."""

    type: ClassVar[str] = "invoice.write_off_reversed"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    write_off_id: UUID
    kind: InvoiceKind
    number: str
    installer_id: UUID | None = None
    client_id: UUID | None = None
    board_id: UUID | None = None
    amount_cents: Cents
    gst_cents: Cents
    currency: Currency
    reason_code: Word
    balance_cents: Cents
    reversed_at: Instant


class InvoiceAdjustmentAsked(Event):
    """A credit that needs a second operator; of several about one adjustment the last stands.

    `state`: `pending` or `rejected`, by an operator or because the invoice was voided. Once it is agreed to,
    `invoice.adjusted` tells of it. `amount_cents` is ex GST.
    """

    type: ClassVar[str] = "invoice.adjustment_asked"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    adjustment_id: UUID
    adjustment_type: AdjustmentType
    state: Word
    kind: InvoiceKind
    number: str
    installer_id: UUID | None = None
    client_id: UUID | None = None
    board_id: UUID | None = None
    amount_cents: Cents
    gst_cents: Cents
    currency: Currency
    reason_code: Word
    changed_at: Instant


class InvoiceWriteOffAsked(Event):
    """A write-off that needs a second operator; of several about one write-off the last stands.

    `state`: `pending` or `rejected`, by an operator or because the invoice was voided. Once it is agreed to,
    `invoice.written_off` tells of it.
    """

    type: ClassVar[str] = "invoice.write_off_asked"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    write_off_id: UUID
    state: Word
    kind: InvoiceKind
    number: str
    installer_id: UUID | None = None
    client_id: UUID | None = None
    board_id: UUID | None = None
    amount_cents: Cents
    gst_cents: Cents
    currency: Currency
    reason_code: Word
    changed_at: Instant


class InvoiceVoidAsked(Event):
    """A void of an issued invoice that needs a second operator; of several about one request the last stands.

    `state`: `pending` or `rejected`. Once it is agreed to, `invoice.voided` tells of it. `amount_cents`, with GST, was
    owed when it was asked for.
    """

    type: ClassVar[str] = "invoice.void_asked"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    void_request_id: UUID
    state: Word
    kind: InvoiceKind
    number: str
    installer_id: UUID | None = None
    client_id: UUID | None = None
    board_id: UUID | None = None
    amount_cents: Cents
    currency: Currency
    reason_code: Word
    changed_at: Instant


class InvoiceCreditUnapplied(Event):
    """What the customer had with us pays for the invoice no more: it is the customer's again."""

    type: ClassVar[str] = "invoice.credit_unapplied"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    application_id: UUID
    amount_cents: Cents
    currency: Currency
    balance_cents: Cents
    unapplied_at: Instant


class InvoicePromised(Event):
    """The customer promised to pay by a day; of several about one promise the last stands.

    `state`: `open`, `kept`, `broken` or `withdrawn`.
    """

    type: ClassVar[str] = "invoice.promised"
    topic: ClassVar[topics.Topic] = topics.INVOICES

    invoice_id: UUID
    promise_id: UUID
    state: Word
    amount_cents: Cents
    currency: Currency
    promised_for: Day
    changed_at: Instant
