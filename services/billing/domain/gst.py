"""GST by the total-invoice rule: what is unrounded is summed, rounded once half up, and shared out over the lines.

`commands/drafts.py` says the same in SQL for whole months; a property test holds the two together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.values import GstTreatment

WHOLE = 110
"""GST is counted in 110ths of a cent: 11 of them per cent where GST comes on top, 10 where the price holds it."""
ON_TOP = 11
INSIDE = 10
RULE = "total_invoice"


@dataclass(frozen=True, slots=True)
class Priced:
    """A line's price for its whole quantity, as it was agreed."""

    amount_cents: int
    treatment: GstTreatment = GstTreatment.TAXABLE
    includes_gst: bool = False

    @property
    def gst_110ths(self) -> int:
        if self.treatment is GstTreatment.GST_FREE:
            return 0
        return self.amount_cents * (INSIDE if self.includes_gst else ON_TOP)


@dataclass(frozen=True, slots=True)
class Amounts:
    """`inc_gst_cents = ex_gst_cents + gst_cents`, for a line and for a sum of lines."""

    ex_gst_cents: int
    gst_cents: int

    @property
    def inc_gst_cents(self) -> int:
        return self.ex_gst_cents + self.gst_cents


def round_half_up(parts: int, whole: int) -> int:
    """The nearest integer to `parts / whole`; a half goes up, as s 9-90 of the GST Act has it."""
    return (2 * parts + whole) // (2 * whole)


def split_gst(lines: Sequence[Priced]) -> list[Amounts]:
    """The amounts of each line; their GST sums to the invoice's, which was rounded once."""
    shares = [divmod(line.gst_110ths, WHOLE) for line in lines]
    gst_cents = round_half_up(sum(line.gst_110ths for line in lines), WHOLE)
    missing = gst_cents - sum(cents for cents, _ in shares)
    by_remainder = sorted(range(len(lines)), key=lambda place: (-shares[place][1], lines[place].includes_gst, place))
    topped_up = set(by_remainder[:missing])
    return [
        _amounts(line, cents + (place in topped_up))
        for place, (line, (cents, _)) in enumerate(zip(lines, shares, strict=True))
    ]


def total_of(counted: Sequence[tuple[Priced, int]]) -> Amounts:
    """What `split_gst` would sum to for so many lines of each price, without a line for each."""
    gst_cents = round_half_up(sum(line.gst_110ths * count for line, count in counted), WHOLE)
    missing = gst_cents - sum(line.gst_110ths // WHOLE * count for line, count in counted)
    ex_gst_cents = 0
    for line, count in sorted(counted, key=lambda item: (-(item[0].gst_110ths % WHOLE), item[0].includes_gst)):
        topped_up = min(count, missing)
        missing -= topped_up
        inside = line.gst_110ths // WHOLE * count + topped_up if line.includes_gst else 0
        ex_gst_cents += line.amount_cents * count - inside
    return Amounts(ex_gst_cents, gst_cents)


def _amounts(line: Priced, gst_cents: int) -> Amounts:
    ex_gst_cents = line.amount_cents - gst_cents if line.includes_gst else line.amount_cents
    return Amounts(ex_gst_cents, gst_cents)


def total(amounts: Sequence[Amounts]) -> Amounts:
    return Amounts(sum(a.ex_gst_cents for a in amounts), sum(a.gst_cents for a in amounts))


def share_out(amount_cents: int, weights: Sequence[int]) -> list[int]:
    """Splits a sum in proportion to non-negative weights by the largest remainder; the parts sum to the whole."""
    whole = sum(weights)
    if whole == 0:
        raise ValueError("nothing to share out over")
    shares = [divmod(amount_cents * weight, whole) for weight in weights]
    missing = amount_cents - sum(cents for cents, _ in shares)
    by_remainder = sorted(range(len(weights)), key=lambda place: (-shares[place][1], place))
    topped_up = set(by_remainder[:missing])
    return [cents + (place in topped_up) for place, (cents, _) in enumerate(shares)]
