"""An adjustment that is agreed to goes into the books: the note's number, the settlement, the posting, the word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.billing import InvoiceAdjusted
from contracts.settlement import InvoiceAdjustmentAsked
from contracts.values import AdjustmentType
from services.billing.commands.credit_answers import answer_charged_late
from services.billing.commands.credits import credit_lines
from services.billing.commands.deliveries_listed import list_charged_late
from services.billing.commands.journal import post
from services.billing.commands.note_gate import refuse_incomplete_note
from services.billing.commands.numbers import Numbering, Series, next_number
from services.billing.commands.payments import note_if_paid
from services.billing.domain import gst
from services.billing.domain.adjustments import LineShare
from services.billing.domain.journal import CURRENCY, Posting, PostingKind, credit_entries, invoice_entries
from services.billing.domain.statuses import AdjustmentState
from services.billing.models import Adjustment, Invoice
from services.billing.queries import accounts


@dataclass(frozen=True, slots=True)
class Decider:
    """The operator who asks or agrees."""

    id: UUID
    name: str


def decide(adjustment: Adjustment, state: AdjustmentState, by_id: UUID | None, by_name: str, now: datetime) -> None:
    adjustment.state = state
    adjustment.decided_by_id, adjustment.decided_by_name, adjustment.decided_at = by_id, by_name, now


def tell_asked(session: AsyncSession, invoice: Invoice, adjustment: Adjustment, now: datetime) -> None:
    """That it waits for a second operator, or was turned down; the invoice is locked."""
    event = InvoiceAdjustmentAsked.model_validate(
        {
            "invoice_id": invoice.id,
            "adjustment_id": adjustment.id,
            "adjustment_type": adjustment.type,
            "state": adjustment.state,
            "kind": invoice.kind,
            "number": invoice.number,
            **invoice.parties,
            "amount_cents": adjustment.ex_gst_cents,
            "gst_cents": adjustment.gst_cents,
            "currency": CURRENCY,
            "reason_code": adjustment.reason_code,
            "changed_at": now,
        }
    )
    outbox.add(session, event, version=invoice.next_version())


async def put_into_books(
    session: AsyncSession,
    invoice: Invoice,
    adjustment: Adjustment,
    shares: Sequence[LineShare],
    by: Decider,
    numbering: Numbering,
    now: datetime,
) -> None:
    """The invoice is locked; `shares` are the lines that a credit falls on."""
    adjustment.number = await next_number(session, numbering, Series.ADJUSTMENT_NOTE)
    decide(adjustment, AdjustmentState.APPROVED, by.id, by.name, now)
    excess_cents = _settle(invoice, adjustment, shares)
    await refuse_incomplete_note(session, invoice, adjustment, shares, now)
    await session.flush()
    if excess_cents:
        (await accounts.lock_credit(session, invoice.account_id)).customer_credit_cents += excess_cents
    await credit_lines(session, invoice, adjustment, shares, now)
    await post(session, [_posting(invoice, adjustment, excess_cents, now)], now)
    outbox.add(session, _adjusted_event(invoice, adjustment, excess_cents, now), version=invoice.next_version())
    if adjustment.type is AdjustmentType.DEBIT:
        await list_charged_late(session, invoice, adjustment, now)
        await answer_charged_late(session, adjustment, now)
    note_if_paid(session, invoice, now)
    await session.flush()


def _settle(invoice: Invoice, adjustment: Adjustment, shares: Sequence[LineShare]) -> int:
    """What of a credit is more than is still owed: it was paid, and is the customer's."""
    if adjustment.type is AdjustmentType.DEBIT:
        invoice.debits_cents += adjustment.ex_gst_cents
        invoice.adjusted_gst_cents += adjustment.gst_cents
        return 0
    adjustment.gst_cents = gst.total([share.amounts for share in shares]).gst_cents
    excess_cents = max(0, adjustment.inc_gst_cents - invoice.owed_cents)
    invoice.credits_cents += adjustment.ex_gst_cents
    invoice.adjusted_gst_cents -= adjustment.gst_cents
    invoice.customer_credit_cents += excess_cents
    return excess_cents


def _posting(invoice: Invoice, adjustment: Adjustment, excess_cents: int, now: datetime) -> Posting:
    is_credit = adjustment.type is AdjustmentType.CREDIT
    amounts = (adjustment.ex_gst_cents, adjustment.gst_cents)
    return Posting(
        source_key=f"adjustment:{adjustment.id}",
        kind=PostingKind.CREDIT_GIVEN if is_credit else PostingKind.DEBIT_CHARGED,
        occurred_at=now,
        entries=credit_entries(*amounts, excess_cents) if is_credit else invoice_entries(*amounts),
        party_id=invoice.account_id,
        invoice_id=invoice.id,
    )


def _adjusted_event(invoice: Invoice, adjustment: Adjustment, excess_cents: int, now: datetime) -> InvoiceAdjusted:
    return InvoiceAdjusted(
        invoice_id=invoice.id,
        adjustment_id=adjustment.id,
        adjustment_type=adjustment.type,
        reason_code=adjustment.reason_code,
        amount_cents=adjustment.ex_gst_cents,
        gst_cents=adjustment.gst_cents,
        currency=CURRENCY,
        balance_cents=invoice.balance_cents,
        customer_credit_cents=excess_cents or None,
        adjusted_at=now,
    )
