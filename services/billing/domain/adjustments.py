"""Credits and debits after issue: for which reasons, over which lines, and who must agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from contracts.values import CreditReason, GstTreatment
from services.billing.domain import gst
from services.billing.domain.gst import Amounts, Priced


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


CREDIT_REASONS = frozenset(CreditReason)
DEBIT_REASONS = frozenset(DebitReason)


@dataclass(frozen=True, slots=True)
class LineLeft:
    """What is left of an issued line after the credits given so far."""

    line_no: int
    treatment: GstTreatment
    left: Amounts


@dataclass(frozen=True, slots=True)
class LineShare:
    line_no: int
    amounts: Amounts
    takes_all: bool
    """Nothing of the line is left."""


def needs_second_operator(inc_gst_cents: int, limit_cents: int) -> bool:
    return inc_gst_cents > limit_cents


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
