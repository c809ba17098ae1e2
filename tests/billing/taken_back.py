"""Settlement written as rows, as its commands write it: what the database proves does not depend on who wrote it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from services.billing.commands.journal import post
from services.billing.domain.journal import (
    Entry,
    LedgerAccount,
    Posting,
    PostingKind,
    credit_unapplied_entries,
    payment_entries,
    payment_reversed_entries,
    rest_reversed_entries,
    unapplied_entries,
    write_off_reversed_entries,
    written_off_entries,
)
from services.billing.domain.settlement import ReversalReason, WriteOffReason, WriteOffState, written_off_gst
from services.billing.domain.statuses import PaymentMethod
from services.billing.models import Invoice, Payment, PaymentReversal, Receipt, WriteOff
from services.billing.queries import accounts, invoices
from tests.billing.arrangements import CHECKER, MAKER, NOW, Books

BANK = LedgerAccount.CASH


def receipt_of(account_id: UUID, amount_cents: int, rest_cents: int, **changed: Any) -> Receipt:
    id_ = new_id()
    row = {
        "id": id_,
        "account_id": account_id,
        "amount_cents": amount_cents,
        "rest_cents": rest_cents,
        "currency": "AUD",
        "received_at": NOW,
        "method": PaymentMethod.BANK_TRANSFER,
        "reference": f"bank {id_}",
        "recorded_by": MAKER.name,
        "recorded_at": NOW,
    }
    return Receipt(**row | changed)


def payment_of(invoice: Invoice, amount_cents: int, **changed: Any) -> Payment:
    row = {
        "id": new_id(),
        "invoice_id": invoice.id,
        "amount_cents": amount_cents,
        "currency": "AUD",
        "received_at": NOW,
        "method": PaymentMethod.BANK_TRANSFER,
        "recorded_by": MAKER.name,
        "recorded_at": NOW,
    }
    return Payment(**row | changed)


def reversal_of(amount_cents: int, **changed: Any) -> PaymentReversal:
    row = {
        "id": new_id(),
        "amount_cents": amount_cents,
        "reason_code": ReversalReason.BOUNCED,
        "made_by_id": MAKER.id,
        "made_by_name": MAKER.name,
        "reversed_at": NOW,
    }
    return PaymentReversal(**row | changed)


def write_off_of(invoice: Invoice, **changed: Any) -> WriteOff:
    """Approved, of all that is owed."""
    gst = written_off_gst(invoice.balance_cents, invoice.gst_cents, invoice.total_cents)
    row = {
        "id": new_id(),
        "invoice_id": invoice.id,
        "amount_cents": invoice.balance_cents,
        "gst_cents": gst,
        "reason_code": WriteOffReason.INSOLVENT,
        "state": WriteOffState.APPROVED,
        "made_by_id": MAKER.id,
        "made_by_name": MAKER.name,
        "created_at": NOW,
        "decided_by_id": CHECKER.id,
        "decided_by_name": CHECKER.name,
        "decided_at": NOW,
    }
    return WriteOff(**row | changed)


async def record_receipt(books: Books, account_id: UUID, parts: Mapping[UUID, int], rest_cents: int) -> UUID:
    """One transfer over these invoices; the rest is the customer's."""
    receipt = receipt_of(account_id, sum(parts.values()) + rest_cents, rest_cents)
    async with books.unit() as session:
        session.add(receipt)
        await session.flush()
        for invoice_id, cents in parts.items():
            invoice = await invoices.lock(session, invoice_id)
            payment = payment_of(invoice, cents, receipt_id=receipt.id)
            session.add(payment)
            invoice.paid_cents += cents
            await write(session, f"payment:{payment.id}", PostingKind.PAYMENT_RECEIVED, invoice, cents)
        (await accounts.lock_credit(session, account_id)).customer_credit_cents += rest_cents
        if rest_cents:
            entries = unapplied_entries(BANK, rest_cents)
            await post_rest(session, f"receipt:{receipt.id}:rest", PostingKind.CASH_UNAPPLIED, account_id, entries)
    return receipt.id


async def write(session: AsyncSession, key: str, kind: PostingKind, invoice: Invoice, cents: int) -> None:
    await post_of(session, key, kind, invoice, payment_entries(BANK, cents, 0))


async def post_of(
    session: AsyncSession, key: str, kind: PostingKind, invoice: Invoice, entries: tuple[Entry, ...]
) -> None:
    await post(session, [Posting(key, kind, NOW, entries, party_id=invoice.account_id, invoice_id=invoice.id)], NOW)


async def post_rest(
    session: AsyncSession, key: str, kind: PostingKind, account_id: UUID, entries: tuple[Entry, ...]
) -> None:
    await post(session, [Posting(key, kind, NOW, entries, party_id=account_id)], NOW)


async def reverse_payment(books: Books, payment_id: UUID, amount_cents: int) -> None:
    reversal = reversal_of(amount_cents, payment_id=payment_id)
    async with books.unit() as session:
        payment = await session.get_one(Payment, payment_id)
        invoice = await invoices.lock(session, payment.invoice_id)
        left_over = invoice.customer_credit_cents
        taken = min(amount_cents, max(0, left_over))
        session.add(reversal)
        invoice.paid_cents -= amount_cents
        invoice.customer_credit_cents -= taken
        if invoice.paid_at is not None and amount_cents > taken:
            invoice.paid_at = None
        (await accounts.lock_credit(session, invoice.account_id)).customer_credit_cents -= taken
        entries = payment_reversed_entries(BANK, amount_cents, left_over)
        await post_of(session, f"payment_reversal:{reversal.id}", PostingKind.PAYMENT_REVERSED, invoice, entries)


async def reverse_rest(books: Books, receipt_id: UUID, amount_cents: int) -> None:
    reversal = reversal_of(amount_cents, receipt_id=receipt_id)
    async with books.unit() as session:
        receipt = await session.get_one(Receipt, receipt_id)
        session.add(reversal)
        (await accounts.lock_credit(session, receipt.account_id)).customer_credit_cents -= amount_cents
        key, entries = f"payment_reversal:{reversal.id}", rest_reversed_entries(BANK, amount_cents)
        await post_rest(session, key, PostingKind.PAYMENT_REVERSED, receipt.account_id, entries)


async def unapply_credit(books: Books, invoice_id: UUID, application_id: UUID, amount_cents: int) -> None:
    async with books.unit() as session:
        invoice = await invoices.lock(session, invoice_id)
        invoice.customer_credit_cents += amount_cents
        (await accounts.lock_credit(session, invoice.account_id)).customer_credit_cents += amount_cents
        key, entries = f"credit_application:{application_id}:reversed", credit_unapplied_entries(amount_cents)
        await post_of(session, key, PostingKind.CREDIT_UNAPPLIED, invoice, entries)


async def write_off(books: Books, invoice_id: UUID) -> UUID:
    async with books.unit() as session:
        invoice = await invoices.lock(session, invoice_id)
        written = write_off_of(invoice)
        session.add(written)
        invoice.written_off_cents += written.amount_cents
        entries = written_off_entries(written.amount_cents, written.gst_cents)
        await post_of(session, f"write_off:{written.id}", PostingKind.WRITTEN_OFF, invoice, entries)
    return written.id


async def reverse_write_off(books: Books, write_off_id: UUID) -> None:
    async with books.unit() as session:
        written = await session.get_one(WriteOff, write_off_id)
        invoice = await invoices.lock(session, written.invoice_id)
        written.state, written.reversed_at, written.reversal_reason = WriteOffState.REVERSED, NOW, "They paid after all"
        written.reversed_by_id, written.reversed_by_name = MAKER.id, MAKER.name
        invoice.written_off_cents -= written.amount_cents
        entries = write_off_reversed_entries(written.amount_cents, written.gst_cents)
        await post_of(session, f"write_off:{written.id}:reversed", PostingKind.WRITE_OFF_REVERSED, invoice, entries)
