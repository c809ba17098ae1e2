"""Money that came in for an account at once: split over its invoices, and what none takes kept for the customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.constraints import flush_or_refuse
from chassis.ids import new_id
from contracts.books import PaymentReceived
from services.billing.commands.journal import post
from services.billing.commands.payments import (
    note_if_paid,
    payment_posting,
    recorded_event,
    refuse_nameless,
    where_it_lies,
)
from services.billing.domain.allocation import oldest_first, rest_of
from services.billing.domain.issuing import dollars
from services.billing.domain.journal import CURRENCY, Posting, PostingKind, unapplied_entries
from services.billing.domain.statuses import DocumentStatus, PaymentMethod
from services.billing.errors import (
    InvoiceNotFound,
    InvoiceOfAnotherAccount,
    NotIssued,
    PaymentExceedsBalance,
    PaymentReferenceTaken,
    ReceivedInTheFuture,
    SplitExceedsReceipt,
)
from services.billing.models import Invoice, Payment, Receipt
from services.billing.queries import accounts, receipts


@dataclass(frozen=True, slots=True)
class RecordReceipt:
    """One of the references at least. `parts` are cents by invoice; without them the oldest due is paid first.

    What the parts leave is the customer's credit.
    """

    account_id: UUID
    amount_cents: int
    received_at: datetime
    method: PaymentMethod
    by: str
    reference: str | None = None
    external_payment_ref: str | None = None
    parts: Mapping[UUID, int] | None = None

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(given for given in (self.reference, self.external_payment_ref) if given is not None)


@dataclass(frozen=True, slots=True)
class RecordedReceipt:
    """`invoices` are those that it pays for, as they stand now; none where it was recorded before."""

    receipt: Receipt
    payments: Sequence[Payment]
    invoices: Mapping[UUID, Invoice]
    is_new: bool


async def record_receipt(session: AsyncSession, command: RecordReceipt, now: datetime) -> RecordedReceipt:
    refuse_nameless(command.method, command.reference, command.external_payment_ref, account_id=command.account_id)
    await receipts.wait_for_others(session, command.account_id)
    known = await receipts.by_references(session, command.references)
    if known:
        _refuse_another(known, command)
        return RecordedReceipt(known[0], await receipts.payments_of(session, known[0].id), {}, is_new=False)
    await accounts.find(session, command.account_id)
    if command.received_at > now and command.method is not PaymentMethod.STRIPE:
        raise ReceivedInTheFuture("received_at lies in the future", account_id=command.account_id)
    found, parts = await _split(session, command)
    receipt = _receipt(command, rest_of(command.amount_cents, parts), now)
    session.add(receipt)
    taken = _taken(command)
    await flush_or_refuse(session, {"uq_receipts_reference": taken, "uq_receipts_external_payment_ref": taken})
    paid = [_payment(receipt, invoice_id, cents) for invoice_id, cents in parts.items()]
    await _take_in(session, receipt, paid, found, now)
    return RecordedReceipt(receipt, paid, {payment.invoice_id: found[payment.invoice_id] for payment in paid}, True)


async def preview_split(session: AsyncSession, account_id: UUID, amount_cents: int) -> dict[UUID, int]:
    """Which invoices the oldest due first would pay for, in that order; nothing changes."""
    await accounts.find(session, account_id)
    return oldest_first(amount_cents, await receipts.owed(session, account_id))


async def _split(session: AsyncSession, command: RecordReceipt) -> tuple[Mapping[UUID, Invoice], Mapping[UUID, int]]:
    """The invoices, locked, and what each of them gets."""
    if command.parts is None:
        found = await receipts.lock_owed(session, command.account_id)
        return found, oldest_first(command.amount_cents, await receipts.owed(session, command.account_id))
    rest_cents = rest_of(command.amount_cents, command.parts)
    if rest_cents < 0:
        detail = f"the parts are {dollars(-rest_cents)} more than the {dollars(command.amount_cents)} that came in"
        raise SplitExceedsReceipt(detail, account_id=command.account_id)
    found = await receipts.lock_invoices(session, command.parts)
    for invoice_id, cents in command.parts.items():
        _refuse_part(found.get(invoice_id), invoice_id, cents, command)
    return found, command.parts


def _refuse_part(invoice: Invoice | None, invoice_id: UUID, cents: int, command: RecordReceipt) -> None:
    invoice = InvoiceNotFound.unless(invoice, "billing has no such invoice", invoice_id=invoice_id)
    if invoice.account_id != command.account_id:
        raise InvoiceOfAnotherAccount("it is billed to another account", invoice_id=invoice_id)
    if invoice.document_status is not DocumentStatus.ISSUED:
        raise NotIssued(f"the invoice is {invoice.document_status}: nothing is owed on it", invoice_id=invoice_id)
    if cents > invoice.owed_cents:
        raise PaymentExceedsBalance(invoice_id, cents, invoice.owed_cents)


async def _take_in(
    session: AsyncSession, receipt: Receipt, paid: Sequence[Payment], found: Mapping[UUID, Invoice], now: datetime
) -> None:
    """The payments, the postings and the words of all of them, each by one statement."""
    session.add_all(paid)
    for payment in paid:
        found[payment.invoice_id].paid_cents += payment.amount_cents
    await session.flush()
    if receipt.rest_cents:
        (await accounts.lock_credit(session, receipt.account_id)).customer_credit_cents += receipt.rest_cents
    is_at_stripe = receipt.external_payment_ref is not None
    postings = [payment_posting(found[payment.invoice_id], payment, 0, is_at_stripe=is_at_stripe) for payment in paid]
    await post(session, [*postings, *_rest_posting(receipt)], now)
    outbox.add(session, _received_event(receipt), version=1)
    for payment in paid:
        invoice = found[payment.invoice_id]
        outbox.add(session, recorded_event(invoice, payment, 0), version=invoice.next_version())
        note_if_paid(session, invoice, now)


def _rest_posting(receipt: Receipt) -> list[Posting]:
    if not receipt.rest_cents:
        return []
    into = where_it_lies(is_at_stripe=receipt.external_payment_ref is not None)
    return [
        Posting(
            source_key=f"receipt:{receipt.id}:rest",
            kind=PostingKind.CASH_UNAPPLIED,
            occurred_at=receipt.received_at,
            entries=unapplied_entries(into, receipt.rest_cents),
            party_id=receipt.account_id,
        )
    ]


def _receipt(command: RecordReceipt, rest_cents: int, now: datetime) -> Receipt:
    return Receipt(
        id=new_id(),
        account_id=command.account_id,
        amount_cents=command.amount_cents,
        rest_cents=rest_cents,
        currency=CURRENCY,
        received_at=command.received_at,
        method=command.method,
        reference=command.reference,
        external_payment_ref=command.external_payment_ref,
        recorded_by=command.by,
        recorded_at=now,
    )


def _payment(receipt: Receipt, invoice_id: UUID, cents: int) -> Payment:
    return Payment(
        id=new_id(),
        invoice_id=invoice_id,
        amount_cents=cents,
        currency=receipt.currency,
        received_at=receipt.received_at,
        method=receipt.method,
        recorded_by=receipt.recorded_by,
        recorded_at=receipt.recorded_at,
        receipt_id=receipt.id,
    )


def _refuse_another(known: Sequence[Receipt], command: RecordReceipt) -> None:
    """The same receipt sent twice is recorded once; another one under its reference is a mistake to be told."""
    receipt = known[0]
    if len(known) > 1 or (receipt.account_id, receipt.amount_cents) != (command.account_id, command.amount_cents):
        raise _taken(command)


def _taken(command: RecordReceipt) -> PaymentReferenceTaken:
    return PaymentReferenceTaken("the reference stands for other money that came in", account_id=command.account_id)


def _received_event(receipt: Receipt) -> PaymentReceived:
    return PaymentReceived(
        subject_id=receipt.id,
        account_id=receipt.account_id,
        amount_cents=receipt.amount_cents,
        rest_cents=receipt.rest_cents,
        currency=receipt.currency,
        method=receipt.method,
        received_at=receipt.received_at,
        recorded_at=receipt.recorded_at,
    )
