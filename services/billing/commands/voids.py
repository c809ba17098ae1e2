"""Voiding: the number stays taken, the books are turned back by a new posting, the deliveries can be billed again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.billing import InvoiceVoided
from services.billing.commands.adjusting import decide, tell_asked
from services.billing.commands.credit_answers import answer_rejected
from services.billing.commands.journal import post
from services.billing.commands.write_offs import reject_pending_of
from services.billing.domain.credit_requests import Why
from services.billing.domain.journal import Entry, Posting, PostingKind, reversing_entries
from services.billing.domain.statuses import AdjustmentState, DocumentStatus, Obstacle
from services.billing.domain.voids import VoidReason
from services.billing.errors import HasPayments, InvoiceWrittenOff
from services.billing.models import Adjustment, AdjustmentDelivery, Invoice, InvoiceLine
from services.billing.queries import adjustments, invoices


@dataclass(frozen=True, slots=True)
class VoidInvoice:
    invoice_id: UUID
    reason: VoidReason
    by: str


async def void_invoice(session: AsyncSession, command: VoidInvoice, now: datetime) -> Invoice:
    """Of a draft, or of an issued invoice for which no money came in. Credited deliveries stay credited.

    Who has to agree to it is asked before: `ask_void`.
    """
    invoice = await invoices.lock(session, command.invoice_id)
    if invoice.document_status is DocumentStatus.VOID:
        return invoice
    refuse_unfit(invoice)
    entries = [Entry(entry.account, entry.amount_cents) for entry in await invoices.entries(session, invoice.id)]
    if invoice.document_status is DocumentStatus.DRAFT:
        # It was never asked for under its Stripe reference: the next draft may be.
        invoice.stripe_invoice_id = invoice.stripe_invoice_url = None
    invoice.document_status = DocumentStatus.VOID
    invoice.voided_at, invoice.void_reason_code = now, command.reason
    await session.flush()
    await _let_lines_fall(session, invoice)
    await _reject_pending(session, invoice, command.by, now)
    await reject_pending_of(session, invoice, command.by, now)
    await post(session, [_posting(invoice, entries, now)], now)
    outbox.add(session, _voided_event(invoice, command.reason, now), version=invoice.next_version())
    return invoice


def refuse_unfit(invoice: Invoice) -> None:
    """Of what came in for it or is not waited for any more nothing is undone by a void."""
    if invoice.has_money:
        raise HasPayments(Obstacle.HAS_MONEY, invoice_id=invoice.id)
    if invoice.written_off_cents:
        raise InvoiceWrittenOff(Obstacle.WRITTEN_OFF, invoice_id=invoice.id)


async def _let_lines_fall(session: AsyncSession, invoice: Invoice) -> None:
    """Its deliveries can be billed again, those that a debit charged too."""
    of_debits = select(Adjustment.id).where(Adjustment.invoice_id == invoice.id)
    for falling in (
        update(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id),
        update(AdjustmentDelivery).where(AdjustmentDelivery.adjustment_id.in_(of_debits)),
    ):
        await session.execute(falling.values(is_live=False).execution_options(synchronize_session=False))


async def _reject_pending(session: AsyncSession, invoice: Invoice, by: str, now: datetime) -> None:
    pending = await adjustments.lock_pending(session, invoice.id)
    for adjustment in pending:
        decide(adjustment, AdjustmentState.REJECTED, None, by, now)
        tell_asked(session, invoice, adjustment, now)
    await answer_rejected(session, [adjustment.id for adjustment in pending], Why.INVOICE_VOID, now)


def _posting(invoice: Invoice, entries: list[Entry], now: datetime) -> Posting:
    return Posting(
        source_key=f"invoice:{invoice.id}:voided",
        kind=PostingKind.INVOICE_VOIDED,
        occurred_at=now,
        entries=reversing_entries(entries),
        party_id=invoice.account_id,
        invoice_id=invoice.id,
    )


def _voided_event(invoice: Invoice, reason: VoidReason, now: datetime) -> InvoiceVoided:
    return InvoiceVoided.model_validate(
        {
            "invoice_id": invoice.id,
            "kind": invoice.kind,
            "number": invoice.number,
            **invoice.parties,
            "reason_code": reason,
            "paid_at": invoice.paid_at,
            "voided_at": now,
        }
    )
