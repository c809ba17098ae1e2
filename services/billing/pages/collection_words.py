"""What several pages say of how it is collected: days sales outstanding, its formula and of what day it is."""

from datetime import date

from chassis.console.cells import Shown
from chassis.console.documents import Fact, Facts
from chassis.console.wording import DASH, calendar_day, counted
from services.billing.domain.collection import CollectionFigures
from services.billing.domain.issuing import dollars
from services.billing.queries.collection import SPAN, Collection

FIGURES = "/console/receivables/figures"
NOTHING_YET = "It is reckoned from what is kept at the end of each month, and no month has ended yet."


def days(value: float | None) -> str:
    return DASH if value is None else f"{value:,.1f} days"


def reckoned(it: CollectionFigures) -> str:
    told = formula(it.month.owed_cents, it.span_sales_cents, it.span_days)
    return f"{told}, {as_of(it.month.until)}"


def formula(owed_cents: int, sales_cents: int, span_days: int) -> str:
    span = counted(span_days, "day", "days")
    return f"{dollars(owed_cents)} owed ÷ {dollars(sales_cents)} of net sales x {span}"


def as_of(until: date) -> str:
    return f"at the end of {calendar_day(until)}"


def section(now: Collection, kept: CollectionFigures | None) -> Facts:
    """With its formula, so that nobody takes it for more than it is."""
    outstanding = Shown(days(kept.simple), path=FIGURES) if kept else Shown(None)
    paid = None if now.days_to_pay is None else f"{now.days_to_pay:.1f} days"
    return Facts(
        "Collection",
        [
            Fact("Days sales outstanding", outstanding),
            Fact("How it is reckoned", reckoned(kept) if kept else NOTHING_YET),
            Fact(f"From issue to paid, last {SPAN.days} days", Shown(paid)),
        ],
    )
