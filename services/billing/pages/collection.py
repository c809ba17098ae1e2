"""How well what is sold is collected: each measure with its formula and the numbers put in, month by month."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromQuery

from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown
from chassis.console.charts import Bar, Charts, draw
from chassis.console.documents import Document, Note, Section, Table, show_document
from chassis.console.wording import DASH, counted
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.billing.domain.collection import SPAN_MONTHS, CollectionFigures, MonthEnd, figures_of
from services.billing.domain.issuing import dollars
from services.billing.domain.periods import month_name
from services.billing.pages.collection_words import FIGURES as PATH
from services.billing.pages.collection_words import days, formula
from services.billing.pages.doors import account_name, account_path
from services.billing.pages.journal import sales
from services.billing.pages.receivables import BEHIND, ROOM
from services.billing.pages.receivables import PATH as RECEIVABLES
from services.billing.queries import accounts, collected

SHOWN = 13


@page_at(PATH, Capability.READ_OPS)
async def show_collection(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    account_id: FromQuery[UUID | None] = None,
) -> Response[str]:
    async with database.reading() as session:
        if account_id is not None:
            await accounts.find(session, account_id)
        months = await collected.month_ends(session, console.wording.zone, console.clock.now(), account_id)
        name = await account_name(session, account_id) if account_id else None
    figures = [figures_of(months[:number]) for number in range(len(months), 0, -1)][:SHOWN]
    document = Document(
        title=f"Collection figures of {name}" if name else "Collection figures",
        room=ROOM,
        up=("Receivables", RECEIVABLES),
        sentence=_sentence(figures),
        notes=[] if figures else [_nothing()],
        sections=list(_sections(figures, account_id)) if figures else [],
        links=[("The account", account_path(account_id))] if account_id else [],
        timeline=None,
    )
    return show_document(console, request, document)


def _nothing() -> Note:
    told = "They are reckoned from what is kept at the end of each month; the first one is kept the night after it."
    return Note("No month has ended yet", told)


def _sentence(figures: Sequence[CollectionFigures]) -> str:
    if not figures:
        return ""
    month = figures[0].month
    return f"{month_name(month.name)} until {month.until.day} {month.until:%B}, from what was kept; AUD inc. GST."


def _sections(figures: Sequence[CollectionFigures], account_id: UUID | None) -> Iterator[Section]:
    yield _measures(figures[0])
    yield _reckoned_from(figures, account_id)
    yield _drawn(figures, account_id)
    yield _months(figures, account_id)


def _measures(it: CollectionFigures) -> Table:
    month, span = it.month, counted(it.span_days, "day", "days")
    owed, current, sold_in_span = map(dollars, (month.owed_cents, month.not_due_cents, it.span_sales_cents))
    opening, sold = map(dollars, (it.opening_cents, month.sales_cents))
    share = DASH if it.effectiveness is None else f"{it.effectiveness:,.1f}%"
    rows = [
        ("Days sales outstanding", days(it.simple), formula(month.owed_cents, it.span_sales_cents, it.span_days)),
        (
            "Counted back",
            days(it.counted_back),
            f"{owed} owed, taken off the net sales of month after month from the last one back; the month in which it "
            "ends counts by its share",
        ),
        (
            "True",
            days(it.true),
            f"for each invoice in the {owed}: days since its issue x what is left of it ÷ net sales of its month",
        ),
        ("Best possible", days(it.best_possible), f"{current} not due yet ÷ {sold_in_span} of net sales x {span}"),
        (
            "Average days delinquent",
            days(it.delinquent),
            f"{days(it.simple)} less the best possible {days(it.best_possible)}",
        ),
        (
            "Collection effectiveness",
            share,
            f"({opening} owed before + {sold} sold - {owed} owed) ÷ ({opening} + {sold} - {current} not due yet) x 100",
        ),
        (
            "Average days late",
            days(it.late),
            f"{counted(month.late_days, 'day', 'days')} past the due day ÷ "
            f"{counted(month.paid_count, 'invoice', 'invoices')} paid in the month; early is no day late",
        ),
    ]
    note = "Net sales are invoices and debits less credits and voids, with GST. A dash: there is nothing to divide by."
    return Table(
        "Measures", (("Measure", Kind.TEXT), ("Value", Kind.TEXT), ("How it is reckoned", Kind.TEXT)), rows, note=note
    )


def _reckoned_from(figures: Sequence[CollectionFigures], account_id: UUID | None) -> Table:
    """Each number of the formulas, with the rows that it sums."""
    it, first = figures[0], figures[min(SPAN_MONTHS, len(figures)) - 1].month
    month, behind = it.month, _behind(it.month, account_id)
    opened = _behind(figures[1].month, account_id) if len(figures) > 1 else ""
    rows = [
        ("Owed at the end", month.owed_cents, behind),
        ("Of it not due yet", month.not_due_cents, f"{behind}&age=not_due"),
        ("Owed when the month began", it.opening_cents, opened),
        ("Net sales of the month", month.sales_cents, _sold(month, month, account_id)),
        (
            f"Net sales of the {counted(it.span_days, 'day', 'days')}",
            it.span_sales_cents,
            _sold(first, month, account_id),
        ),
    ]
    told = [(title, Shown(cents, Kind.MONEY, path=path if cents else "")) for title, cents, path in rows]
    return Table("What they are reckoned from", (("AUD inc. GST", Kind.TEXT), ("Amount", Kind.MONEY)), told)


def _drawn(figures: Sequence[CollectionFigures], account_id: UUID | None) -> Charts:
    bars = [
        Bar(month_name(it.month.name), round(it.simple or 0), days(it.simple), _behind(it.month, account_id))
        for it in reversed(figures)
    ]
    return Charts("Month by month", [draw("Days sales outstanding", "Days, at the end of each month", bars)])


def _behind(month: MonthEnd, account_id: UUID | None) -> str:
    """The invoices that were owed, as the snapshot has them by which the month is told."""
    whose = f"&account_id={account_id}" if account_id else ""
    return f"{BEHIND}?snapshot={month.snapshot_id}{whose}"


def _sold(first: MonthEnd, last: MonthEnd, account_id: UUID | None) -> str:
    """From the one month until the other's snapshot."""
    return sales(first.until.replace(day=1), last.snapshot_id, account_id)


def _months(figures: Sequence[CollectionFigures], account_id: UUID | None) -> Table:
    heads = (
        *(("Month", Kind.TEXT), ("Net sales", Kind.MONEY), ("Owed at its end", Kind.MONEY), ("Not due", Kind.MONEY)),
        *(("DSO", Kind.NUMBER), ("Counted back", Kind.NUMBER), ("True", Kind.NUMBER), ("Best", Kind.NUMBER)),
        *(("Delinquent", Kind.NUMBER), ("CEI %", Kind.NUMBER), ("Days late", Kind.NUMBER)),
    )
    return Table("Months", heads, [_month(it, account_id) for it in figures])


def _month(it: CollectionFigures, account_id: UUID | None) -> tuple[Shown | str, ...]:
    month = it.month
    behind, sold = _behind(month, account_id), _sold(month, month, account_id)
    measures = (it.simple, it.counted_back, it.true, it.best_possible, it.delinquent, it.effectiveness, it.late)
    return (
        month_name(month.name),
        Shown(month.sales_cents, Kind.MONEY, path=sold if month.sales_cents else ""),
        Shown(month.owed_cents, Kind.MONEY, path=behind if month.owed_cents else ""),
        Shown(month.not_due_cents, Kind.MONEY, path=f"{behind}&age=not_due" if month.not_due_cents else ""),
        *(DASH if value is None else f"{value:,.1f}" for value in measures),
    )


ROUTES = (show_collection,)
