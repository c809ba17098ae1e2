"""Money that came in: each reference once, never more than is owed, and paid when nothing is left."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.constraints import flush_or_refuse
from chassis.ids import new_id
from contracts.billing import InvoicePaid, InvoicePaymentRecorded
from services.billing.commands.journal import post
from services.billing.domain.journal import CURRENCY, LedgerAccount, Posting, PostingKind, transfer
from services.billing.domain.statuses import DocumentStatus, InvoiceStatus, PaymentMethod
from services.billing.errors import NotIssued, PaymentExceedsBalance, PaymentReferenceTaken, ReceivedInTheFuture
from services.billing.models import Invoice, Payment
from services.billing.queries import invoices, payments


@dataclass(frozen=True, slots=True)
class RecordPayment:
    """One of the references at least. `external_payment_ref` is Stripe's id of the payment."""

    invoice_id: UUID
    amount_cents: int
    received_at: datetime
    method: PaymentMethod
    by: str
    reference: str | None = None
    external_payment_ref: str | None = None


@dataclass(frozen=True, slots=True)
class MarkPaid:
    """The whole balance came in. Without a reference it gets one of ours."""

    invoice_id: UUID
    received_at: datetime
    method: PaymentMethod
    by: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedPayment:
    payment: Payment
    invoice: Invoice
    is_new: bool


async def record_payment(session: AsyncSession, command: RecordPayment, now: datetime) -> RecordedPayment:
    invoice = await invoices.lock(session, command.invoice_id)
    known = await payments.by_reference(session, command.reference, command.external_payment_ref)
    if known is not None:
        _refuse_another(known, command)
        return RecordedPayment(known, invoice, is_new=False)
    _refuse_unowed(invoice)
    if command.received_at > now and command.method is not PaymentMethod.STRIPE:
        raise ReceivedInTheFuture("received_at lies in the future", invoice_id=invoice.id)
    if command.amount_cents > invoice.balance_cents:
        raise PaymentExceedsBalance(invoice.id, command.amount_cents, invoice.balance_cents)
    payment = await _take_in(session, invoice, command, now)
    await post(session, [_posting(invoice, payment)], now)
    outbox.add(session, _recorded_event(invoice, payment), version=invoice.next_version())
    note_if_paid(session, invoice, now)
    return RecordedPayment(payment, invoice, is_new=True)


async def mark_paid(session: AsyncSession, command: MarkPaid, now: datetime) -> Invoice:
    """One payment of all that is owed; an invoice that is paid stays as it is."""
    invoice = await invoices.lock(session, command.invoice_id)
    if invoice.status is InvoiceStatus.PAID:
        return invoice
    _refuse_unowed(invoice)
    payment = RecordPayment(
        invoice_id=invoice.id,
        amount_cents=invoice.balance_cents,
        received_at=command.received_at,
        method=command.method,
        by=command.by,
        reference=command.reference or f"{invoice.number}/{await payments.count(session, invoice.id) + 1}",
    )
    return (await record_payment(session, payment, now)).invoice


def note_if_paid(session: AsyncSession, invoice: Invoice, now: datetime) -> None:
    """Says once that money came in and nothing is left to pay; what credits alone have settled was not paid."""
    if invoice.balance_cents or not invoice.paid_cents or invoice.paid_at is not None:
        return
    invoice.paid_at = now
    outbox.add(session, _paid_event(invoice, now), version=invoice.next_version())


async def _take_in(session: AsyncSession, invoice: Invoice, command: RecordPayment, now: datetime) -> Payment:
    payment = Payment(
        id=new_id(),
        invoice_id=invoice.id,
        amount_cents=command.amount_cents,
        currency=CURRENCY,
        received_at=command.received_at,
        method=command.method,
        reference=command.reference,
        external_payment_ref=command.external_payment_ref,
        recorded_by=command.by,
        recorded_at=now,
    )
    session.add(payment)
    invoice.paid_cents += command.amount_cents
    taken = _taken(command)
    await flush_or_refuse(session, {"uq_payments_reference": taken, "uq_payments_external_payment_ref": taken})
    return payment


def _refuse_unowed(invoice: Invoice) -> None:
    if invoice.document_status is not DocumentStatus.ISSUED:
        raise NotIssued(f"the invoice is {invoice.document_status}: nothing is owed on it", invoice_id=invoice.id)


def _refuse_another(known: Payment, command: RecordPayment) -> None:
    """The same payment sent twice is recorded once; another one under its reference is a mistake to be told."""
    if (known.invoice_id, known.amount_cents) != (command.invoice_id, command.amount_cents):
        raise _taken(command)


def _taken(command: RecordPayment) -> PaymentReferenceTaken:
    return PaymentReferenceTaken(
        "the reference stands for a payment of another amount or on another invoice", invoice_id=command.invoice_id
    )


def _posting(invoice: Invoice, payment: Payment) -> Posting:
    is_stripe = payment.method is PaymentMethod.STRIPE
    account = LedgerAccount.STRIPE_CLEARING if is_stripe else LedgerAccount.CASH
    return Posting(
        source_key=f"payment:{payment.id}",
        kind=PostingKind.PAYMENT_RECEIVED,
        occurred_at=payment.received_at,
        entries=transfer(account, LedgerAccount.RECEIVABLE, payment.amount_cents),
        party_id=invoice.account_id,
        invoice_id=invoice.id,
    )


def _recorded_event(invoice: Invoice, payment: Payment) -> InvoicePaymentRecorded:
    return InvoicePaymentRecorded(
        invoice_id=invoice.id,
        payment_id=payment.id,
        amount_cents=payment.amount_cents,
        currency=CURRENCY,
        method=payment.method,
        received_at=payment.received_at,
        balance_cents=invoice.balance_cents,
    )


def _paid_event(invoice: Invoice, now: datetime) -> InvoicePaid:
    return InvoicePaid.model_validate(
        {
            "invoice_id": invoice.id,
            "kind": invoice.kind,
            "number": invoice.number,
            **invoice.parties,
            "total_cents": invoice.balance_cents + invoice.paid_cents,
            "currency": CURRENCY,
            "paid_at": now,
        }
    )
