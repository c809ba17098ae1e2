"""Credits and debits after issue: for which reasons, over which lines, and who must agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from contracts.business_days import days_left, end_of_business_days
from contracts.values import CreditReason, GstTreatment
from services.billing.domain import gst
from services.billing.domain.gst import Amounts, Priced
from services.billing.domain.statuses import AdjustmentState


class RefusedReason(StrEnum):
    """Sales outcomes. We charge on delivery: none of them is a ground for a credit, and each is refused by name."""

    NO_ANSWER = "no_answer"
    CHANGED_MIND = "changed_mind"
    CHOSE_ANOTHER = "chose_another"
    PRICE_SHOPPING = "price_shopping"
    DID_NOT_WIN = "did_not_win"


class DebitReason(StrEnum):
    LATE_DELIVERY = "late_delivery"
    PRICE_CORRECTION = "price_correction"
    CREDIT_REVERSED = "credit_reversed"


class DecisionObstacle(StrEnum):
    """Why an adjustment cannot be agreed to or turned down (any more), as a sentence goes on after it."""

    REJECTED = "it was rejected"
    APPROVED = "it is in the books; charge a debit to take it back"
    MAKER = "whoever asked for it cannot agree to it"
    NOT_ISSUED = "its invoice is void"
    WRITTEN_OFF = "its invoice is written off: reverse that first"


CREDIT_DAYS = 5
"""Within so many business days a credit that was asked for is decided."""
CREDIT_REASONS = frozenset(CreditReason)
DEBIT_REASONS = frozenset(DebitReason)


@dataclass(frozen=True, slots=True)
class LineLeft:
    """What is left of an issued line after the credits given so far; below zero where the line takes something off."""

    line_no: int
    treatment: GstTreatment
    left: Amounts


@dataclass(frozen=True, slots=True)
class LineShare:
    line_no: int
    amounts: Amounts
    takes_all: bool
    """Nothing of the line is left."""


def days_to_decide(asked_at: datetime, now: datetime, zone: ZoneInfo) -> int:
    """Business days until the last one on which to decide; 0 on that day itself, negative after it."""
    return days_left(end_of_business_days(asked_at, CREDIT_DAYS, zone), now, zone)


def needs_second_operator(inc_gst_cents: int, limit_cents: int) -> bool:
    return inc_gst_cents > limit_cents


def obstacle_to_approval(
    state: AdjustmentState, *, is_by_maker: bool, is_invoice_issued: bool, is_written_off: bool = False
) -> DecisionObstacle | None:
    """The first thing in the way of it; None where it can be agreed to."""
    if state is not AdjustmentState.PENDING:
        return DecisionObstacle.APPROVED if state is AdjustmentState.APPROVED else DecisionObstacle.REJECTED
    if is_by_maker:
        return DecisionObstacle.MAKER
    if is_written_off:
        return DecisionObstacle.WRITTEN_OFF
    return None if is_invoice_issued else DecisionObstacle.NOT_ISSUED


def obstacle_to_rejection(state: AdjustmentState) -> DecisionObstacle | None:
    if state is AdjustmentState.PENDING:
        return None
    return DecisionObstacle.APPROVED if state is AdjustmentState.APPROVED else DecisionObstacle.REJECTED


def creditable(lines: Sequence[LineLeft], line_no: int | None = None) -> list[LineLeft]:
    """What a credit may fall on, over the invoice or on one line; it sums to what is left of the invoice.

    A negative line takes its part off the others of its GST treatment first, and what is too much for those off the
    rest: a customer who was given a discount is not given back what it never paid.
    """
    nets = {
        treatment: gst.total([line.left for line in lines if line.treatment is treatment]) for treatment in GstTreatment
    }
    excess_cents = sum(-min(0, net.inc_gst_cents) for net in nets.values())
    found: list[LineLeft] = []
    for treatment, net in nets.items():
        own = [line for line in lines if line.treatment is treatment]
        whole = Amounts(net.ex_gst_cents - excess_cents, net.gst_cents)
        if all(line.left.ex_gst_cents >= 0 for line in own) and not excess_cents:
            found += [line for line in own if line.left.ex_gst_cents and line_no in {None, line.line_no}]
        elif whole.ex_gst_cents > 0:
            positive = [line for line in own if line.left.ex_gst_cents > 0]
            found += _spread(positive, whole) if line_no is None else _capped(positive, whole, line_no)
    return found


def _spread(lines: Sequence[LineLeft], whole: Amounts) -> list[LineLeft]:
    """The whole, over lines that come to more than it."""
    parts = gst.share_out(whole.ex_gst_cents, [line.left.ex_gst_cents for line in lines])
    gst_parts = gst.share_out(whole.gst_cents, parts)
    return [
        LineLeft(line.line_no, line.treatment, Amounts(ex_gst_cents, gst_cents))
        for line, ex_gst_cents, gst_cents in zip(lines, parts, gst_parts, strict=True)
        if ex_gst_cents
    ]


def _capped(lines: Sequence[LineLeft], whole: Amounts, line_no: int) -> list[LineLeft]:
    """One line as far as the whole goes; the last cents of the whole take its GST along."""
    return [
        LineLeft(
            line.line_no,
            line.treatment,
            whole
            if line.left.ex_gst_cents >= whole.ex_gst_cents
            else Amounts(line.left.ex_gst_cents, max(0, min(line.left.gst_cents, whole.gst_cents))),
        )
        for line in lines
        if line.line_no == line_no
    ]


def split_credit(ex_gst_cents: int, lines: Sequence[LineLeft]) -> list[LineShare]:
    """Shares a credit out over the lines in proportion to what is left of them.

    A line that is used up takes the GST that it has left, to the cent, so that crediting all of an invoice leaves
    nothing; over the others GST is rounded once.
    """
    shares = gst.share_out(ex_gst_cents, [line.left.ex_gst_cents for line in lines])
    rounded = gst.split_gst(
        [
            Priced(0 if share == line.left.ex_gst_cents else share, line.treatment)
            for line, share in zip(lines, shares, strict=True)
        ]
    )
    split = zip(lines, shares, rounded, strict=True)
    return [_share(line, share, amounts.gst_cents) for line, share, amounts in split if share]


def _share(line: LineLeft, ex_gst_cents: int, rounded_gst_cents: int) -> LineShare:
    takes_all = ex_gst_cents == line.left.ex_gst_cents
    gst_cents = line.left.gst_cents if takes_all else min(rounded_gst_cents, line.left.gst_cents)
    return LineShare(line.line_no, Amounts(ex_gst_cents, gst_cents), takes_all)


def debit_amounts(ex_gst_cents: int, treatment: GstTreatment) -> Amounts:
    return gst.split_gst([Priced(ex_gst_cents, treatment)])[0]
