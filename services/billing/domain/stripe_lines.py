"""An invoice's items as we have them beside Stripe's: which line it is that the totals differ by."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.billing.domain.issuing import dollars

LINE_DIFFERS = "stripe_line_differs"
MOST_TOLD = 10
"""Lines of one invoice that are told where many invoices are: all of them are on the page of its comparison."""


@dataclass(frozen=True, slots=True)
class Item:
    """`amount_cents` is of the whole quantity as the price is told: with GST only where the price includes it.

    A price at Stripe may have fractions of a cent, and then is None here.
    """

    description: str
    quantity: int
    unit_amount_cents: int | None
    amount_cents: int
    gst_cents: int

    @property
    def told(self) -> str:
        price = dollars(self.unit_amount_cents) if self.unit_amount_cents is not None else "another price each"
        return f"{self.quantity:,} at {price}, {dollars(self.amount_cents)}, GST {dollars(self.gst_cents)}"


class Differs(StrEnum):
    MISSING_AT_STRIPE = "missing_at_stripe"
    MISSING_HERE = "missing_here"
    DESCRIPTION = "description"
    QUANTITY = "quantity"
    PRICE = "price"
    AMOUNT = "amount"
    GST = "gst"


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of both sides; None on a side where it lacks there."""

    ours: Item | None
    theirs: Item | None

    @property
    def differences(self) -> tuple[Differs, ...]:
        if self.theirs is None:
            return (Differs.MISSING_AT_STRIPE,)
        if self.ours is None:
            return (Differs.MISSING_HERE,)
        ours, theirs = self.ours, self.theirs
        told = (
            (ours.description != theirs.description, Differs.DESCRIPTION),
            (ours.quantity != theirs.quantity, Differs.QUANTITY),
            (ours.unit_amount_cents != theirs.unit_amount_cents, Differs.PRICE),
            (ours.amount_cents != theirs.amount_cents, Differs.AMOUNT),
            (ours.gst_cents != theirs.gst_cents, Differs.GST),
        )
        return tuple(difference for holds, difference in told if holds)

    @property
    def is_of_money(self) -> bool:
        """Another description alone takes no cent away."""
        return any(each is not Differs.DESCRIPTION for each in self.differences)

    @property
    def told(self) -> str:
        if self.theirs is None:
            return f"Stripe has no line of {_said(self.ours)}"
        if self.ours is None:
            return f"Stripe has a line that is not ours, {_said(self.theirs)}"
        return f"{self.ours.description}: ours is {self.ours.told}; Stripe's is {self.theirs.told}"


def _said(item: Item | None) -> str:
    return f"{item.description}: {item.told}" if item else ""


# What two lines have in common to be told side by side: first all, then less and less.
_LIKENESSES: tuple[Callable[[Item], Hashable], ...] = (
    lambda item: item,
    lambda item: (item.unit_amount_cents, item.quantity, item.amount_cents),
    lambda item: (item.description, item.unit_amount_cents),
    lambda item: item.description,
    lambda item: item.unit_amount_cents,
    lambda item: item.amount_cents,
)


def compare(ours: Sequence[Item], theirs: Sequence[Item]) -> list[Compared]:
    """Each line once, in the order of ours; those that Stripe alone has come last."""
    partners: dict[int, int] = {}
    free = set(range(len(theirs)))
    for likeness in _LIKENESSES:
        for place, item in enumerate(ours):
            if place in partners:
                continue
            like = next((each for each in sorted(free) if likeness(theirs[each]) == likeness(item)), None)
            if like is not None:
                partners[place] = like
                free.discard(like)
    paired = [Compared(item, theirs[partners[place]] if place in partners else None) for place, item in enumerate(ours)]
    return [*paired, *(Compared(None, theirs[place]) for place in sorted(free))]


def told_briefly(lines: Sequence[Compared]) -> list[str]:
    """What differs by a cent: of many lines the first, and how many there are more."""
    differing = [line.told for line in lines if line.is_of_money]
    more = len(differing) - MOST_TOLD
    return differing if more <= 0 else [*differing[:MOST_TOLD], f"{more:,} more of its lines differ"]
