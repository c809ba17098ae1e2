"""What each step of a month's close is made of: nothing is kept, all of it is told by the books as they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from markupsafe import Markup

from chassis.console.actions import Action
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Fact, Note, Table
from chassis.console.wording import Wording, counted, words
from services.billing.domain.periods import Period, month_name
from services.billing.models import HeldDelivery
from services.billing.pages.doors import account_path
from services.billing.queries.months import MonthFigures

HELD, DELIVERIES, INVOICES = "/console/held-deliveries", "/console/delivery-events", "/console/invoices"
MOST_ROWS = 200
SHOWN_HELD = 20


@dataclass(frozen=True, slots=True)
class Screen:
    title: str
    text: str = ""
    notes: Sequence[Note] = ()
    facts: Sequence[Fact] = ()
    actions: Sequence[Action] = ()
    tables: Sequence[Table] = ()
    asks_month: bool = False


def boundaries(period: Period, wording: Wording) -> list[Fact]:
    """As the business's calendar has them, and as they are kept."""
    last = period.end.astimezone(wording.zone)
    return [
        Fact("Begins", wording.exact(period.start)),
        Fact("Ends, not included", wording.exact(period.end)),
        Fact("Begins, UTC", _utc(period.start)),
        Fact("Ends, UTC", _utc(period.end)),
        Fact("Zone", str(last.tzinfo)),
    ]


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def month_state(each: MonthFigures, now: datetime) -> Markup:
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


def months_table(figures: Sequence[MonthFigures], path: str, now: datetime) -> Table:
    rows = [
        (
            Shown(month_name(each.period.name), path=f"{path}/{each.period.name}"),
            month_state(each, now),
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


def held_screen(period: Period, held: Sequence[HeldDelivery], names: Mapping[UUID, str]) -> Screen:
    """A month closes whole: what has no price holds it up."""
    rows = [
        (
            Shown(names.get(each.installer_id, "Not known yet"), path=account_path(each.installer_id)),
            f"{words(each.product_type)} lead, {words(each.service).lower()}, {each.locality}",
            Shown(each.delivered_at, Kind.INSTANT),
            Shown(each.held_at, Kind.AGO),
        )
        for each in held[:SHOWN_HELD]
    ]
    heads = (
        ("Installer", Kind.TEXT),
        ("Delivery", Kind.TEXT),
        ("No price for", Kind.INSTANT),
        ("Held", Kind.AGO),
    )
    door = (f"All {len(held):,} that wait", f"{HELD}?state=waits&month={period.name}")
    table = Table("Waits for a price", heads, rows, more=door if held else None)
    if not held:
        note = Note("Every delivery of the month has its price", tone="positive")
        return Screen("Held deliveries", notes=[note])
    installers = len({each.installer_id for each in held})
    note = Note(
        f"{counted(len(held), 'delivery has', 'deliveries have')} no price",
        f"Add a price plan for the day to {counted(installers, 'installer', 'installers')}: each delivery is then "
        "billed at the price of its own day. Until then the month cannot be drafted.",
        "warning",
    )
    return Screen("Held deliveries", notes=[note], tables=[table])


def said(text: str) -> Markup:
    """A sentence in a cell, which wraps."""
    return Markup('<span class="said">{}</span>').format(text)


def more(number: int, path: str, shown: int = MOST_ROWS) -> tuple[str, str] | None:
    return (f"{number - shown:,} more are not shown here: open all {number:,}", path) if number > shown else None
