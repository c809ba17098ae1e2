"""How well what is sold is collected: each measure with its formula and the numbers put in, month by month."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromQuery

from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown
from chassis.console.charts import Bar, Charts, draw
from chassis.console.documents import Document, Note, Table, show_document
from chassis.console.wording import DASH, counted
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.billing.domain.collection import CollectionFigures, figures_of
from services.billing.domain.issuing import dollars
from services.billing.domain.periods import month_name
from services.billing.pages.doors import account_name, account_path
from services.billing.pages.receivables import BEHIND, JOURNAL, ROOM
from services.billing.pages.receivables import PATH as RECEIVABLES
from services.billing.queries import accounts, collected

PATH = f"{RECEIVABLES}/figures"
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
        sections=[_measures(figures[0]), _drawn(figures, account_id), _months(figures, account_id)] if figures else [],
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


def _days(value: float | None) -> str:
    return DASH if value is None else f"{value:,.1f} days"


def _measures(it: CollectionFigures) -> Table:
    month, span = it.month, counted(it.span_days, "day", "days")
    owed, current, sales = map(dollars, (month.owed_cents, month.not_due_cents, it.span_sales_cents))
    opening, sold = map(dollars, (it.opening_cents, month.sales_cents))
    share = DASH if it.effectiveness is None else f"{it.effectiveness:,.1f}%"
    rows = [
        ("Days sales outstanding", _days(it.simple), f"{owed} owed ÷ {sales} of net sales x {span}"),
        (
            "Counted back",
            _days(it.counted_back),
            f"{owed} owed, taken off the net sales of month after month from the last one back; the month in which it "
            "ends counts by its share",
        ),
        (
            "True",
            _days(it.true),
            f"for each invoice in the {owed}: days since its issue x what is left of it ÷ net sales of its month",
        ),
        ("Best possible", _days(it.best_possible), f"{current} not due yet ÷ {sales} of net sales x {span}"),
        (
            "Average days delinquent",
            _days(it.delinquent),
            f"{_days(it.simple)} less the best possible {_days(it.best_possible)}",
        ),
        (
            "Collection effectiveness",
            share,
            f"({opening} owed before + {sold} sold - {owed} owed) ÷ ({opening} + {sold} - {current} not due yet) x 100",
        ),
        (
            "Average days late",
            _days(it.late),
            f"{counted(month.late_days, 'day', 'days')} past the due day ÷ "
            f"{counted(month.paid_count, 'invoice', 'invoices')} paid in the month; early is no day late",
        ),
    ]
    note = "Net sales are invoices and debits less credits and voids, with GST. A dash: there is nothing to divide by."
    return Table(
        "Measures", (("Measure", Kind.TEXT), ("Value", Kind.TEXT), ("How it is reckoned", Kind.TEXT)), rows, note=note
    )


def _drawn(figures: Sequence[CollectionFigures], account_id: UUID | None) -> Charts:
    bars = [
        Bar(month_name(it.month.name), round(it.simple or 0), _days(it.simple), _behind(it, account_id))
        for it in reversed(figures)
    ]
    return Charts("Month by month", [draw("Days sales outstanding", "Days, at the end of each month", bars)])


def _behind(it: CollectionFigures, account_id: UUID | None) -> str:
    whose = f"&account_id={account_id}" if account_id else ""
    return f"{BEHIND}?as_of={it.month.until}{whose}"


def _months(figures: Sequence[CollectionFigures], account_id: UUID | None) -> Table:
    heads = (
        *(("Month", Kind.TEXT), ("Net sales", Kind.MONEY), ("Owed at its end", Kind.MONEY), ("Not due", Kind.MONEY)),
        *(("DSO", Kind.NUMBER), ("Counted back", Kind.NUMBER), ("True", Kind.NUMBER), ("Best", Kind.NUMBER)),
        *(("Delinquent", Kind.NUMBER), ("CEI %", Kind.NUMBER), ("Days late", Kind.NUMBER)),
    )
    return Table("Months", heads, [_month(it, account_id) for it in figures])


def _month(it: CollectionFigures, account_id: UUID | None) -> tuple[Shown | str, ...]:
    month = it.month
    behind, first = _behind(it, account_id), month.until.replace(day=1)
    party = f"&party_id={account_id}" if account_id else ""
    sold = f"{JOURNAL}?on=receivable&posted_from={first}&posted_to={month.until}{party}"
    measures = (it.simple, it.counted_back, it.true, it.best_possible, it.delinquent, it.effectiveness, it.late)
    return (
        month_name(month.name),
        Shown(month.sales_cents, Kind.MONEY, path=sold if month.sales_cents else ""),
        Shown(month.owed_cents, Kind.MONEY, path=behind if month.owed_cents else ""),
        Shown(month.not_due_cents, Kind.MONEY, path=f"{behind}&age=not_due" if month.not_due_cents else ""),
        *(DASH if value is None else f"{value:,.1f}" for value in measures),
    )


ROUTES = (show_collection,)
