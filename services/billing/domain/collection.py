"""How well what is sold is collected: the field's measures, each by its formula, over months as they ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

SPAN_MONTHS = 3
"""Over how many months sales are looked at, so that one strong month does not make collection look better."""


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """A month of the business as it ended, or as far as it has come; amounts with GST.

    `sales_cents` is net of credits and voids, `owed_cents` what was left to pay at its end, `not_due_cents` of that was
    not due yet. `true_days` weighs each open invoice's age by its share of its own month's sales. `late_days` are
    summed over the invoices that were paid in it, `paid_count` of them. It is told as `snapshot_id` keeps it.
    """

    name: str
    days: int
    sales_cents: int
    owed_cents: int
    not_due_cents: int
    true_days: float | None
    paid_count: int
    late_days: int
    until: date
    snapshot_id: UUID


@dataclass(frozen=True, slots=True)
class CollectionFigures:
    """Of the last of some months. None where a divisor is not there: nothing was sold, or nothing was paid.

    `span_sales_cents` and `span_days` are of the last three months, `opening_cents` was owed when the last one began.
    `counted_days` of `counted_back` lie in whole months; None too where the months do not reach far enough back.
    """

    month: MonthEnd
    opening_cents: int
    span_sales_cents: int
    span_days: int
    simple: float | None
    best_possible: float | None
    delinquent: float | None
    counted_back: float | None
    true: float | None
    effectiveness: float | None
    late: float | None


def figures_of(months: Sequence[MonthEnd]) -> CollectionFigures:
    """Of the last of them; those before it are the ones that it is reckoned with."""
    month, span = months[-1], months[-SPAN_MONTHS:]
    opening_cents = months[-2].owed_cents if len(months) > 1 else 0
    sales_cents, days = sum(each.sales_cents for each in span), sum(each.days for each in span)
    simple = days_of_sales(month.owed_cents, sales_cents, days)
    best = days_of_sales(month.not_due_cents, sales_cents, days)
    return CollectionFigures(
        month=month,
        opening_cents=opening_cents,
        span_sales_cents=sales_cents,
        span_days=days,
        simple=simple,
        best_possible=best,
        delinquent=None if simple is None or best is None else round(simple - best, 1),
        counted_back=counted_back(months),
        true=None if month.true_days is None else round(month.true_days, 1),
        effectiveness=effectiveness(opening_cents, month),
        late=None if month.paid_count == 0 else round(month.late_days / month.paid_count, 1),
    )


def days_of_sales(cents: int, sales_cents: int, days: int) -> float | None:
    """What is owed ÷ what was sold in so many days x those days; None where nothing was."""
    return None if sales_cents <= 0 else round(cents * days / sales_cents, 1)


def counted_back(months: Sequence[MonthEnd]) -> float | None:
    """What is owed is taken off the sales of month after month, the last first: its days count whole, then in part."""
    left_cents, counted = months[-1].owed_cents, 0.0
    for month in reversed(months):
        if left_cents <= 0:
            return round(counted, 1)
        if 0 < left_cents <= month.sales_cents:
            return round(counted + month.days * left_cents / month.sales_cents, 1)
        left_cents -= max(0, month.sales_cents)
        counted += month.days
    return round(counted, 1) if left_cents <= 0 else None


def effectiveness(opening_cents: int, month: MonthEnd) -> float | None:
    """CEI: of what could be collected in the month, the share that was, in per cent."""
    collectable = opening_cents + month.sales_cents - month.not_due_cents
    if collectable <= 0:
        return None
    return round(100 * (opening_cents + month.sales_cents - month.owed_cents) / collectable, 1)
