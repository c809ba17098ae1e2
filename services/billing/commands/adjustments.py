"""Credits and debits after issue: asked for by one operator, over the limit agreed to by another, then in the books."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.billing import InvoiceAdjusted
from contracts.values import AdjustmentType, GstTreatment
from services.billing.commands.credits import credit_lines
from services.billing.commands.journal import post
from services.billing.commands.numbers import Numbering, Series, next_number
from services.billing.commands.payments import note_if_paid
from services.billing.domain import adjustments as rules
from services.billing.domain import gst
from services.billing.domain.adjustments import LineShare, RefusedReason
from services.billing.domain.gst import Amounts
from services.billing.domain.issuing import dollars
from services.billing.domain.journal import CURRENCY, Posting, PostingKind, credit_entries, invoice_entries
from services.billing.domain.statuses import AdjustmentState, DocumentStatus
from services.billing.errors import (
    AdjustmentDecided,
    AdjustmentIdTaken,
    AmountMissing,
    CreditTooLarge,
    LineNotFound,
    MakerCannotApprove,
    NotIssued,
    ReasonRefused,
    UnknownReason,
)
from services.billing.models import Adjustment, Invoice
from services.billing.queries import accounts, adjustments, invoices


@dataclass(frozen=True, slots=True)
class Decider:
    """The operator who asks or agrees."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class AddAdjustment:
    """`amount_cents` is ex GST; None credits all that is left, of one line where `line_no` is given."""

    adjustment_id: UUID
    invoice_id: UUID
    type: AdjustmentType
    reason_code: str
    amount_cents: int | None
    line_no: int | None
    notes: str | None
    by: Decider
    gst_treatment: GstTreatment = GstTreatment.TAXABLE


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """A credit of more than the limit, with GST, waits for a second operator."""

    limit_cents: int
    numbering: Numbering


async def add_adjustment(
    session: AsyncSession, command: AddAdjustment, rule: ApprovalRule, now: datetime
) -> Adjustment:
    """In the books at once, or pending where a second operator has to agree."""
    _refuse_reason(command)
    invoice = await invoices.lock(session, command.invoice_id)
    asked = await session.get(Adjustment, command.adjustment_id)
    if asked is not None:
        return _refuse_another(asked, command)
    _refuse_unissued(invoice)
    shares = await _shares(session, invoice, command.line_no, command.amount_cents, command.type)
    amounts = gst.total([share.amounts for share in shares]) if shares else _debit(command)
    adjustment = _asked_for(command, amounts, now)
    session.add(adjustment)
    if not shares or not rules.needs_second_operator(amounts.inc_gst_cents, rule.limit_cents):
        await _apply(session, invoice, adjustment, shares, command.by, rule.numbering, now)
    await session.flush()
    return adjustment


async def approve_adjustment(
    session: AsyncSession, adjustment_id: UUID, by: Decider, numbering: Numbering, now: datetime
) -> Adjustment:
    """By another operator than its maker; against what is left by now."""
    invoice, adjustment = await _lock(session, adjustment_id)
    if adjustment.state is AdjustmentState.APPROVED:
        return adjustment
    if adjustment.state is AdjustmentState.REJECTED:
        raise AdjustmentDecided("it was rejected", adjustment_id=adjustment_id)
    if adjustment.made_by_id == by.id:
        raise MakerCannotApprove("whoever asked for it cannot agree to it", adjustment_id=adjustment_id)
    _refuse_unissued(invoice)
    shares = await _shares(session, invoice, adjustment.line_no, adjustment.ex_gst_cents, adjustment.type)
    await _apply(session, invoice, adjustment, shares, by, numbering, now)
    await session.flush()
    return adjustment


async def reject_adjustment(session: AsyncSession, adjustment_id: UUID, by: Decider, now: datetime) -> Adjustment:
    _, adjustment = await _lock(session, adjustment_id)
    if adjustment.state is AdjustmentState.APPROVED:
        raise AdjustmentDecided("it is in the books; charge a debit to take it back", adjustment_id=adjustment_id)
    if adjustment.state is AdjustmentState.PENDING:
        decide(adjustment, AdjustmentState.REJECTED, by.id, by.name, now)
    return adjustment


def decide(adjustment: Adjustment, state: AdjustmentState, by_id: UUID | None, by_name: str, now: datetime) -> None:
    adjustment.state = state
    adjustment.decided_by_id, adjustment.decided_by_name, adjustment.decided_at = by_id, by_name, now


async def _lock(session: AsyncSession, adjustment_id: UUID) -> tuple[Invoice, Adjustment]:
    adjustment = await adjustments.find(session, adjustment_id)
    invoice = await invoices.lock(session, adjustment.invoice_id)
    await session.refresh(adjustment)
    return invoice, adjustment


async def _shares(
    session: AsyncSession, invoice: Invoice, line_no: int | None, ex_gst_cents: int | None, type_: AdjustmentType
) -> list[LineShare]:
    """A credit over the lines it falls on, paid or not; a debit falls on none."""
    if type_ is AdjustmentType.DEBIT:
        return []
    lines = await adjustments.lines_left(session, invoice.id)
    if line_no is not None:
        lines = [line for line in lines if line.line_no == line_no]
        if not lines:
            raise LineNotFound(f"there is nothing left of a line {line_no}", invoice_id=invoice.id)
    left = sum(line.left.ex_gst_cents for line in lines)
    wanted = left if ex_gst_cents is None else ex_gst_cents
    if wanted > left or left == 0:
        detail = f"{dollars(wanted)} ex GST was asked for and {dollars(left)} is left"
        raise CreditTooLarge(detail, invoice_id=invoice.id)
    return rules.split_credit(wanted, lines)


def _debit(command: AddAdjustment) -> Amounts:
    if command.amount_cents is None:
        raise AmountMissing("a debit names its amount", invoice_id=command.invoice_id)
    return rules.debit_amounts(command.amount_cents, command.gst_treatment)


async def _apply(
    session: AsyncSession,
    invoice: Invoice,
    adjustment: Adjustment,
    shares: list[LineShare],
    by: Decider,
    numbering: Numbering,
    now: datetime,
) -> None:
    adjustment.number = await next_number(session, numbering, Series.ADJUSTMENT_NOTE)
    decide(adjustment, AdjustmentState.APPROVED, by.id, by.name, now)
    excess_cents = _settle(invoice, adjustment, shares)
    await session.flush()
    if excess_cents:
        (await accounts.lock_credit(session, invoice.account_id)).customer_credit_cents += excess_cents
    await credit_lines(session, invoice, adjustment, shares, now)
    await post(session, [_posting(invoice, adjustment, excess_cents, now)], now)
    outbox.add(session, _adjusted_event(invoice, adjustment, excess_cents, now), version=invoice.next_version())
    note_if_paid(session, invoice, now)


def _settle(invoice: Invoice, adjustment: Adjustment, shares: list[LineShare]) -> int:
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


def _asked_for(command: AddAdjustment, amounts: Amounts, now: datetime) -> Adjustment:
    return Adjustment(
        id=command.adjustment_id,
        invoice_id=command.invoice_id,
        type=command.type,
        reason_code=command.reason_code,
        notes=command.notes,
        line_no=command.line_no,
        gst_treatment=command.gst_treatment,
        ex_gst_cents=amounts.ex_gst_cents,
        gst_cents=amounts.gst_cents,
        state=AdjustmentState.PENDING,
        made_by_id=command.by.id,
        made_by_name=command.by.name,
        created_at=now,
    )


def _refuse_reason(command: AddAdjustment) -> None:
    if command.type is AdjustmentType.DEBIT:
        if command.reason_code not in rules.DEBIT_REASONS:
            raise UnknownReason(f"a debit's reason is one of {', '.join(sorted(rules.DEBIT_REASONS))}")
        return
    if command.reason_code in frozenset(RefusedReason):
        raise ReasonRefused(f"{command.reason_code} is a sales outcome, and we bill on delivery")
    if command.reason_code not in rules.CREDIT_REASONS:
        raise UnknownReason(f"a credit's reason is one of {', '.join(sorted(rules.CREDIT_REASONS))}")


def _refuse_another(asked: Adjustment, command: AddAdjustment) -> Adjustment:
    """The same request sent twice is one adjustment."""
    same = (asked.invoice_id, asked.type, asked.reason_code, asked.line_no)
    if same != (command.invoice_id, command.type, command.reason_code, command.line_no):
        raise AdjustmentIdTaken("the id stands for another adjustment", adjustment_id=asked.id)
    return asked


def _refuse_unissued(invoice: Invoice) -> None:
    if invoice.document_status is not DocumentStatus.ISSUED:
        detail = f"the invoice is {invoice.document_status}: a draft is changed, a void one is closed"
        raise NotIssued(detail, invoice_id=invoice.id)


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
