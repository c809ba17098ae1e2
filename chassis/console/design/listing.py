"""The list of the living design pages: sixty rows that stand in the query itself, with a column of every kind."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar.params import JSONBody
from litestar.response import Redirect
from sqlalchemy import (
    Boolean,
    Date,
    DateTime,
    Integer,
    Interval,
    Numeric,
    Row,
    Text,
    Uuid,
    cast,
    column,
    false,
    select,
    type_coerce,
    values,
)

from chassis.console import Console
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.bulk.routes import SelectForm
from chassis.console.listing import (
    NOW,
    Amount,
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Flag,
    Kind,
    Listing,
    Search,
    Tab,
    among,
    late_after,
    routes_of,
)
from chassis.console.listing import Text as TextFilter
from chassis.console.routes import form_at
from chassis.http.given import Given
from contracts.identity import Capability

DESIGN = "/admin/design"
ROOM = "design"
PATH = f"{DESIGN}/list"
STATES = ("draft", "issued", "overdue", "paid")
TONES = {"issued": "info", "overdue": "danger", "paid": "positive"}
LIMIT = timedelta(days=14)
_CLIENTS = (
    "Bright Roof Solar",
    "Harbour Batteries",
    "Northern Heat Pumps",
    "A client with a name that is longer than most",
)
_FIRST_DAY = date(2026, 1, 5)


def _sample(number: int) -> tuple[Any, ...]:
    return (
        UUID(int=number),
        f"INV-2026-{number:03d}",
        _CLIENTS[number % len(_CLIENTS)],
        STATES[number % len(STATES)],
        timedelta(hours=11 * number),
        number * 12_345 - (200_000 if number % 9 == 0 else 0),
        number % 7,
        number / 100,
        _FIRST_DAY + timedelta(days=number),
        number % 5 == 0,
    )


_SAMPLES = values(
    column("id", Uuid),
    column("number", Text),
    column("client", Text),
    column("state", Text),
    column("age", Interval),
    column("total", Integer),
    column("leads", Integer),
    column("share", Numeric),
    column("day", Date),
    column("is_disputed", Boolean),
    name="samples",
).data([_sample(number) for number in range(1, 61)])
_OF = _SAMPLES.c
_SINCE = type_coerce(NOW - cast(_OF.age, Interval), DateTime(timezone=True))


async def _look(_session: Any, ids: Any, _now: Any) -> dict[UUID, Verdict]:
    return {id_: Verdict(str(id_)) for id_ in ids}


async def _do(_work: Work) -> None:
    """Nothing is ever done to a sample."""


def _tone(row: Row[Any]) -> str:
    return TONES.get(row.state, "")


SAMPLES = Listing(
    name="design",
    title="A list",
    noun=("invoice", "invoices"),
    path=PATH,
    capability=None,
    note="Made-up rows in the list that the rooms are made with: every kind of column, and every kind of filter.",
    rows=select().select_from(_SAMPLES),
    key=_OF.id,
    order="-since",
    columns=(
        Column("number", "Invoice", _OF.number, sorts=True),
        Column("client", "Client", _OF.client, sorts=True),
        Column("state", "State", _OF.state, Kind.CHIP, tone=_tone),
        Column("since", "Since", _SINCE, Kind.AGO, sorts=True, is_late=late_after(LIMIT, "since")),
        Column("day", "Due", _OF.day, Kind.DAY, sorts=True),
        Column("leads", "Leads", _OF.leads, Kind.NUMBER),
        Column("share", "Credited", _OF.share, Kind.SHARE),
        Column("is_disputed", "Disputed", _OF.is_disputed, Kind.YES_NO),
        Column("total", "Total", _OF.total, Kind.MONEY, sorts=True, sums=True),
        Column("exact", "Exactly since", _SINCE, Kind.INSTANT, is_extra=True),
        Column("reference", "Id", _OF.id, Kind.ID, is_extra=True),
    ),
    filters=(
        Search("q", "Search", texts=(_OF.number, _OF.client), ids=(_OF.id,)),
        Choice("state", "State", options=among(_OF.state, STATES)),
        Days("since", "Since", column=_SINCE),
        Amount("total", "Total", column=_OF.total),
        Flag("disputed", "Disputed", condition=_OF.is_disputed),
        TextFilter("number", "Number", column=_OF.number, hint="INV-2026-001", longest=20),
        Exact("id", "Row", column=_OF.id),
    ),
    tabs=(Tab("All"), Tab("Overdue", "state=overdue"), Tab("Nothing matches", "q=nothing+has+this+name")),
    document=lambda _row: f"{DESIGN}/document",
    bulk=(
        BulkAction("remind", "Remind", Capability.READ_OPS, _look, _do, lambda number: f"Mails {number:,} clients."),
    ),
    links=(("Guided task", f"{DESIGN}/task", None), ("New invoice", f"{DESIGN}/document", None)),
    empty=Empty("No invoices", "An invoice comes here once its month is closed.", "receipt"),
)

NONE = Listing(
    name="design-empty",
    title="An empty list",
    noun=SAMPLES.noun,
    path=f"{DESIGN}/empty-list",
    capability=None,
    rows=SAMPLES.rows.where(false()),
    key=_OF.id,
    order="number",
    columns=SAMPLES.columns[:4],
    empty=SAMPLES.empty,
)


@form_at(f"{PATH}/bulk", None)
async def choose_samples(data: JSONBody[SelectForm], console: Given[Console]) -> Redirect:
    return console.redirect(f"{DESIGN}/bulk/proposed")


# Page, CSV and saved views are the list's own; its bulk action changes nothing, and so has no job.
ROUTES = (*routes_of(SAMPLES)[:4], *routes_of(NONE), choose_samples)
