"""The months that can be chosen for their close, each with the first thing that is left to do in it."""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Table
from services.billing.domain.periods import month_name
from services.billing.pages.month_page import PATH
from services.billing.queries.months import MonthFigures


def months_table(figures: Sequence[MonthFigures], now: datetime) -> Table:
    rows = [
        (
            Shown(month_name(each.period.name), path=f"{PATH}/{each.period.name}"),
            _state(each, now),
            Shown(each.period.end, Kind.INSTANT),
            Shown(each.delivery_count, Kind.NUMBER),
            Shown(each.draft_count, Kind.NUMBER),
            Shown(each.issued_count, Kind.NUMBER),
            Shown(each.issued_cents, Kind.MONEY),
            Shown(each.unpaid_cents, Kind.MONEY),
        )
        for each in figures
    ]
    heads = (
        ("Month", Kind.TEXT),
        ("State", Kind.CHIP),
        ("Ends", Kind.INSTANT),
        ("Billable deliveries", Kind.NUMBER),
        ("Drafts", Kind.NUMBER),
        ("Issued", Kind.NUMBER),
        ("Issued, inc. GST", Kind.MONEY),
        ("Owed", Kind.MONEY),
    )
    return Table("Months", heads, rows)


def _state(each: MonthFigures, now: datetime) -> Markup:
    """The first thing that is left to do in it."""
    is_undrafted = each.delivery_count and not each.draft_count + each.issued_count
    told = (
        (not each.period.has_ended(now), "Still open", "info"),
        (each.held_count, f"{each.held_count:,} without a price", "warning"),
        (is_undrafted, "To draft", "warning"),
        (each.draft_count, f"{each.draft_count:,} to issue", "warning"),
        (each.overdue_count, f"{each.overdue_count:,} overdue", "danger"),
        (each.unpaid_count, f"{each.unpaid_count:,} unpaid", "info"),
        (each.issued_count, "Paid", "positive"),
        (True, "Nothing delivered", ""),
    )
    return next(chip(word, tone) for holds, word, tone in told if holds)
