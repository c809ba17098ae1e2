"""Money that came in: each reference once, what is beyond the balance kept for the customer, paid said once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.constraints import flush_or_refuse
from chassis.errors import FieldError
from chassis.ids import new_id
from contracts.billing import InvoicePaid, InvoicePaymentRecorded
from contracts.values import InvoiceKind
from services.billing.commands.journal import post
from services.billing.domain.issuing import STRIPE_PAYMENT_PATTERN, dollars
from services.billing.domain.journal import CURRENCY, LedgerAccount, Posting, PostingKind, payment_entries
from services.billing.domain.statuses import DocumentStatus, InvoiceStatus, Obstacle, PaymentMethod
from services.billing.errors import (
    InvoiceWrittenOff,
    NotIssued,
    PaymentExceedsBalance,
    PaymentReferenceTaken,
    ReceivedInTheFuture,
    StripePaymentDiffers,
    StripePaymentIdMissing,
)
from services.billing.models import Invoice, Payment
from services.billing.queries import accounts, invoices, payments


@dataclass(frozen=True, slots=True)
class RecordPayment:
    """One of the references at least. `external_payment_ref` is Stripe's id of the payment.

    `at_stripe_cents` is what Stripe has under it, where it was asked. With `excess_to_credit`, what is more than is
    owed becomes the customer's credit; without it, it is refused.
    """

    invoice_id: UUID
    amount_cents: int
    received_at: datetime
    method: PaymentMethod
    by: str
    reference: str | None = None
    external_payment_ref: str | None = None
    at_stripe_cents: int | None = None
    excess_to_credit: bool = False

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(given for given in (self.reference, self.external_payment_ref) if given is not None)


@dataclass(frozen=True, slots=True)
class MarkPaid:
    """The whole balance came in. Without a reference it gets one of ours."""

    invoice_id: UUID
    received_at: datetime
    method: PaymentMethod
    by: str
    reference: str | None = None
    external_payment_ref: str | None = None
    at_stripe_cents: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedPayment:
    payment: Payment
    invoice: Invoice
    is_new: bool


async def record_payment(session: AsyncSession, command: RecordPayment, now: datetime) -> RecordedPayment:
    refuse_nameless(command.method, command.reference, command.external_payment_ref, invoice_id=command.invoice_id)
    invoice = await invoices.lock(session, command.invoice_id)
    known = await payments.by_references(session, command.references)
    if known:
        _refuse_another(known, command)
        return RecordedPayment(known[0], invoice, is_new=False)
    part = await payments.of_receipt(session, command.references, invoice.id, command.amount_cents)
    if part is not None:
        return RecordedPayment(part, invoice, is_new=False)
    _refuse_untrue(command, now)
    excess_cents = _excess(invoice, command)
    payment = await _take_in(session, invoice, command, excess_cents, now)
    is_at_stripe = payment.external_payment_ref is not None
    await post(session, [payment_posting(invoice, payment, excess_cents, is_at_stripe=is_at_stripe)], now)
    outbox.add(session, recorded_event(invoice, payment, excess_cents), version=invoice.next_version())
    note_if_paid(session, invoice, now)
    return RecordedPayment(payment, invoice, is_new=True)


async def mark_paid(session: AsyncSession, command: MarkPaid, now: datetime) -> Invoice:
    """One payment of all that is owed; an invoice that is paid stays as it is."""
    invoice = await invoices.lock(session, command.invoice_id)
    if invoice.status is InvoiceStatus.PAID:
        return invoice
    _refuse_unissued(invoice)
    _refuse_written_off(invoice)
    payment = RecordPayment(
        invoice_id=invoice.id,
        amount_cents=invoice.balance_cents,
        received_at=command.received_at,
        method=command.method,
        by=command.by,
        reference=command.reference or f"{invoice.number}/{await payments.count(session, invoice.id) + 1}",
        external_payment_ref=command.external_payment_ref,
        at_stripe_cents=command.at_stripe_cents,
    )
    recorded = await record_payment(session, payment, now)
    if not recorded.is_new:
        raise PaymentReferenceTaken(
            "the reference stands for an earlier part payment, and the rest is still owed", invoice_id=invoice.id
        )
    return recorded.invoice


def note_if_paid(session: AsyncSession, invoice: Invoice, now: datetime) -> None:
    """Says once that nothing is left to pay.

    What an installer need not pay because of credits alone was not paid. A client's board is settled either way, and
    its experts wait for the word.
    """
    if invoice.status is not InvoiceStatus.PAID or invoice.paid_at is not None:
        return
    if invoice.kind is InvoiceKind.INSTALLER and not invoice.has_money:
        return
    invoice.paid_at = now
    outbox.add(session, _paid_event(invoice, now), version=invoice.next_version())


def _excess(invoice: Invoice, command: RecordPayment) -> int:
    """What of the payment is more than is owed. Stripe may take money even for an invoice that is void with us."""
    if not (command.excess_to_credit and invoice.document_status is DocumentStatus.VOID):
        _refuse_unissued(invoice)
    if not command.excess_to_credit:
        _refuse_written_off(invoice)
    excess_cents = max(0, command.amount_cents - invoice.owed_cents)
    if excess_cents and not command.excess_to_credit:
        raise PaymentExceedsBalance(invoice.id, command.amount_cents, invoice.owed_cents)
    return excess_cents


async def _take_in(
    session: AsyncSession, invoice: Invoice, command: RecordPayment, excess_cents: int, now: datetime
) -> Payment:
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
    invoice.customer_credit_cents += excess_cents
    taken = _taken(command)
    await flush_or_refuse(session, {"uq_payments_reference": taken, "uq_payments_external_payment_ref": taken})
    if excess_cents:
        (await accounts.lock_credit(session, invoice.account_id)).customer_credit_cents += excess_cents
    return payment


def refuse_nameless(
    method: PaymentMethod, reference: str | None, external_payment_ref: str | None, **about: UUID
) -> None:
    """Stripe will tell us of its payments under their ids: under another name one would be recorded twice."""
    if method is PaymentMethod.STRIPE and external_payment_ref is None:
        detail = "a payment at Stripe is known by its id there"
    elif reference is not None and re.search(STRIPE_PAYMENT_PATTERN, reference):
        detail = "the reference is an id of Stripe's: give it as external_payment_ref"
    else:
        return
    fault = FieldError("external_payment_ref", "missing", "Give Stripe's id of the payment: pi_…, py_… or ch_…")
    raise StripePaymentIdMissing(detail, errors=(fault,), **about)


def _refuse_untrue(command: RecordPayment, now: datetime) -> None:
    if command.received_at > now and command.method is not PaymentMethod.STRIPE:
        raise ReceivedInTheFuture("received_at lies in the future", invoice_id=command.invoice_id)
    if command.at_stripe_cents not in {None, command.amount_cents}:
        raise StripePaymentDiffers(
            f"ours is {dollars(command.amount_cents)}, Stripe's is {dollars(command.at_stripe_cents or 0)}",
            invoice_id=command.invoice_id,
        )


def _refuse_unissued(invoice: Invoice) -> None:
    if invoice.document_status is not DocumentStatus.ISSUED:
        raise NotIssued(f"the invoice is {invoice.document_status}: nothing is owed on it", invoice_id=invoice.id)


def _refuse_written_off(invoice: Invoice) -> None:
    if invoice.status is InvoiceStatus.WRITTEN_OFF:
        raise InvoiceWrittenOff(Obstacle.WRITTEN_OFF, invoice_id=invoice.id)


def _refuse_another(known: Sequence[Payment], command: RecordPayment) -> None:
    """The same payment sent twice is recorded once; another one under its reference is a mistake to be told.

    Where Stripe's id is given it decides: a payment that was typed in without it is not known to be the same.
    """
    deciding = command.external_payment_ref or command.reference
    payment = known[0]
    if (
        len(known) > 1
        or deciding not in {payment.reference, payment.external_payment_ref}
        or (payment.invoice_id, payment.amount_cents) != (command.invoice_id, command.amount_cents)
    ):
        raise _taken(command)


def _taken(command: RecordPayment) -> PaymentReferenceTaken:
    return PaymentReferenceTaken(
        "the reference stands for a payment of another amount or on another invoice", invoice_id=command.invoice_id
    )


def where_it_lies(*, is_at_stripe: bool) -> LedgerAccount:
    """It follows from who took it: what has Stripe's id is at Stripe, whatever the customer paid with."""
    return LedgerAccount.STRIPE_CLEARING if is_at_stripe else LedgerAccount.CASH


def payment_posting(invoice: Invoice, payment: Payment, excess_cents: int, *, is_at_stripe: bool) -> Posting:
    into = where_it_lies(is_at_stripe=is_at_stripe)
    return Posting(
        source_key=f"payment:{payment.id}",
        kind=PostingKind.PAYMENT_RECEIVED,
        occurred_at=payment.received_at,
        entries=payment_entries(into, payment.amount_cents, excess_cents),
        party_id=invoice.account_id,
        invoice_id=invoice.id,
    )


def recorded_event(invoice: Invoice, payment: Payment, excess_cents: int) -> InvoicePaymentRecorded:
    return InvoicePaymentRecorded(
        invoice_id=invoice.id,
        payment_id=payment.id,
        amount_cents=payment.amount_cents,
        currency=CURRENCY,
        method=payment.method,
        received_at=payment.received_at,
        balance_cents=invoice.owed_cents,
        customer_credit_cents=excess_cents or None,
    )


def _paid_event(invoice: Invoice, now: datetime) -> InvoicePaid:
    return InvoicePaid.model_validate(
        {
            "invoice_id": invoice.id,
            "kind": invoice.kind,
            "number": invoice.number,
            **invoice.parties,
            "total_cents": invoice.adjusted_total_cents,
            "currency": CURRENCY,
            "paid_at": now,
        }
    )
