"""Credits and debits after issue: asked for by one operator, over the limit agreed to by another, then in the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.constraints import flush_or_refuse
from contracts.values import AdjustmentType, GstTreatment
from services.billing.commands.adjusting import Decider, decide, put_into_books, tell_asked
from services.billing.commands.credit_answers import answer_rejected
from services.billing.commands.late_deliveries import LateCharge, late_charges, name_deliveries
from services.billing.commands.numbers import Numbering
from services.billing.domain import adjustments as rules
from services.billing.domain import gst
from services.billing.domain.adjustments import DebitReason, DecisionObstacle, LineShare, RefusedReason
from services.billing.domain.credit_requests import Why
from services.billing.domain.gst import Amounts
from services.billing.domain.issuing import dollars
from services.billing.domain.statuses import AdjustmentState, DocumentStatus
from services.billing.errors import (
    AdjustmentDecided,
    AdjustmentIdTaken,
    AmountMissing,
    AmountNotExpected,
    CreditTooLarge,
    DeliveriesMissing,
    DeliveriesNotExpected,
    InvoiceWrittenOff,
    LineNotFound,
    MakerCannotApprove,
    NotIssued,
    ReasonRefused,
    UnknownReason,
)
from services.billing.models import Adjustment, Invoice
from services.billing.queries import adjustments, invoices


@dataclass(frozen=True, slots=True)
class AddAdjustment:
    """`amount_cents` is ex GST; None credits all that is left, of one line where `line_no` is given.

    A debit for late deliveries names them, and they are its amount.
    """

    adjustment_id: UUID
    invoice_id: UUID
    type: AdjustmentType
    reason_code: str
    amount_cents: int | None
    line_no: int | None
    notes: str | None
    by: Decider
    gst_treatment: GstTreatment = GstTreatment.TAXABLE
    delivery_event_ids: frozenset[UUID] = frozenset()
    asked_at: datetime | None = None
    """Where it was asked for before."""


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """A credit of more than the limit, with GST, waits for a second operator."""

    limit_cents: int
    numbering: Numbering


_REFUSALS = {
    DecisionObstacle.REJECTED: AdjustmentDecided,
    DecisionObstacle.APPROVED: AdjustmentDecided,
    DecisionObstacle.MAKER: MakerCannotApprove,
    DecisionObstacle.NOT_ISSUED: NotIssued,
    DecisionObstacle.WRITTEN_OFF: InvoiceWrittenOff,
}


async def add_adjustment(
    session: AsyncSession, command: AddAdjustment, rule: ApprovalRule, now: datetime
) -> Adjustment:
    """In the books at once, or pending where a second operator has to agree."""
    _refuse_reason(command)
    invoice = await invoices.lock(session, command.invoice_id)
    asked = await adjustments.find_or_none(session, command.adjustment_id)
    if asked is not None:
        await _refuse_another(session, asked, command)
        return asked
    _refuse_unissued(invoice)
    asked_for = await _ask(session, invoice, command)
    adjustment = _asked_for(command, asked_for, now)
    session.add(adjustment)
    await flush_or_refuse(session, {"pk_adjustments": _taken(command.adjustment_id)})
    await name_deliveries(session, adjustment, asked_for.late)
    is_debit = command.type is AdjustmentType.DEBIT
    if is_debit or not rules.needs_second_operator(asked_for.amounts.inc_gst_cents, rule.limit_cents):
        await put_into_books(session, invoice, adjustment, asked_for.shares, command.by, rule.numbering, now)
    else:
        tell_asked(session, invoice, adjustment, now)
    return adjustment


async def approve_adjustment(
    session: AsyncSession, adjustment_id: UUID, by: Decider, numbering: Numbering, now: datetime
) -> Adjustment:
    """By another operator than its maker; against what is left by now."""
    invoice, adjustment = await adjustments.lock(session, adjustment_id)
    if adjustment.state is AdjustmentState.APPROVED:
        return adjustment
    obstacle = rules.obstacle_to_approval(
        adjustment.state,
        is_by_maker=adjustment.made_by_id == by.id,
        is_invoice_issued=invoice.document_status is DocumentStatus.ISSUED,
        is_written_off=invoice.written_off_cents > 0,
    )
    if obstacle is not None:
        raise _REFUSALS[obstacle](obstacle, adjustment_id=adjustment_id)
    shares = await _shares(session, invoice, adjustment.line_no, adjustment.ex_gst_cents)
    await put_into_books(session, invoice, adjustment, shares, by, numbering, now)
    return adjustment


async def reject_adjustment(session: AsyncSession, adjustment_id: UUID, by: Decider, now: datetime) -> Adjustment:
    invoice, adjustment = await adjustments.lock(session, adjustment_id)
    if adjustment.state is AdjustmentState.REJECTED:
        return adjustment
    obstacle = rules.obstacle_to_rejection(adjustment.state)
    if obstacle is not None:
        raise _REFUSALS[obstacle](obstacle, adjustment_id=adjustment_id)
    decide(adjustment, AdjustmentState.REJECTED, by.id, by.name, now)
    tell_asked(session, invoice, adjustment, now)
    await answer_rejected(session, [adjustment_id], Why.TURNED_DOWN, now)
    return adjustment


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for comes to: a credit falls on lines, a debit may name deliveries."""

    amounts: Amounts
    shares: Sequence[LineShare] = ()
    late: Sequence[LateCharge] = ()


async def _ask(session: AsyncSession, invoice: Invoice, command: AddAdjustment) -> _Asked:
    if command.type is AdjustmentType.CREDIT:
        shares = await _shares(session, invoice, command.line_no, command.amount_cents)
        return _Asked(gst.total([share.amounts for share in shares]), shares)
    if command.delivery_event_ids:
        late = await late_charges(session, invoice, command.delivery_event_ids)
        return _Asked(gst.total([charge.amounts for charge in late]), late=late)
    if command.amount_cents is None:
        raise AmountMissing("a debit names its amount", invoice_id=invoice.id)
    return _Asked(rules.debit_amounts(command.amount_cents, command.gst_treatment))


async def _shares(
    session: AsyncSession, invoice: Invoice, line_no: int | None, ex_gst_cents: int | None
) -> list[LineShare]:
    """A credit over the lines it falls on, paid or not."""
    lines = rules.creditable(await adjustments.lines_left(session, invoice.id), line_no)
    if line_no is not None and not lines:
        raise LineNotFound(f"there is nothing left of a line {line_no}", invoice_id=invoice.id)
    left = sum(line.left.ex_gst_cents for line in lines)
    wanted = left if ex_gst_cents is None else ex_gst_cents
    if wanted > left or left == 0:
        detail = f"{dollars(wanted)} ex GST was asked for and {dollars(left)} is left"
        raise CreditTooLarge(detail, invoice_id=invoice.id)
    return rules.split_credit(wanted, lines)


def _asked_for(command: AddAdjustment, asked: _Asked, now: datetime) -> Adjustment:
    return Adjustment(
        id=command.adjustment_id,
        invoice_id=command.invoice_id,
        type=command.type,
        reason_code=command.reason_code,
        notes=command.notes,
        line_no=command.line_no,
        gst_treatment=command.gst_treatment,
        asked_cents=command.amount_cents,
        ex_gst_cents=asked.amounts.ex_gst_cents,
        gst_cents=asked.amounts.gst_cents,
        state=AdjustmentState.PENDING,
        made_by_id=command.by.id,
        made_by_name=command.by.name,
        created_at=now,
        asked_at=command.asked_at or now,
    )


def _refuse_reason(command: AddAdjustment) -> None:
    if command.type is AdjustmentType.DEBIT:
        _refuse_debit(command)
        return
    if command.reason_code in frozenset(RefusedReason):
        raise ReasonRefused(f"{command.reason_code} is a sales outcome, and we bill on delivery")
    if command.reason_code not in rules.CREDIT_REASONS:
        raise UnknownReason(f"a credit's reason is one of {', '.join(sorted(rules.CREDIT_REASONS))}")
    if command.delivery_event_ids:
        raise DeliveriesNotExpected("a credit names a line", invoice_id=command.invoice_id)


def _refuse_debit(command: AddAdjustment) -> None:
    if command.reason_code not in rules.DEBIT_REASONS:
        raise UnknownReason(f"a debit's reason is one of {', '.join(sorted(rules.DEBIT_REASONS))}")
    is_late = command.reason_code == DebitReason.LATE_DELIVERY
    if is_late and not command.delivery_event_ids:
        raise DeliveriesMissing("a debit for late deliveries names them", invoice_id=command.invoice_id)
    if is_late and command.amount_cents is not None:
        raise AmountNotExpected("late deliveries cost what they cost", invoice_id=command.invoice_id)
    if not is_late and command.delivery_event_ids:
        raise DeliveriesNotExpected(f"only {DebitReason.LATE_DELIVERY} names any", invoice_id=command.invoice_id)


async def _refuse_another(session: AsyncSession, known: Adjustment, command: AddAdjustment) -> None:
    """The same request sent twice is one adjustment; another one under its id is a mistake to be told."""
    names = ("invoice_id", "type", "reason_code", "line_no", "notes")
    same = all(getattr(known, name) == getattr(command, name) for name in names)
    same = same and known.asked_cents == command.amount_cents
    if known.type is AdjustmentType.DEBIT:
        named = await adjustments.named_deliveries(session, known.id)
        same = same and known.gst_treatment is command.gst_treatment and named == command.delivery_event_ids
    if not same:
        raise _taken(command.adjustment_id)


def _taken(adjustment_id: UUID) -> AdjustmentIdTaken:
    return AdjustmentIdTaken("the id stands for another adjustment", adjustment_id=adjustment_id)


def _refuse_unissued(invoice: Invoice) -> None:
    if invoice.document_status is not DocumentStatus.ISSUED:
        detail = f"the invoice is {invoice.document_status}: a draft is changed, a void one is closed"
        raise NotIssued(detail, invoice_id=invoice.id)
    if invoice.written_off_cents:
        raise InvoiceWrittenOff(DecisionObstacle.WRITTEN_OFF, invoice_id=invoice.id)
