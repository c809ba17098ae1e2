"""What a room says of its list: where its rows come from, what is shown, by what one filters, orders and sums."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, ColumnElement, DateTime, Row, Select, Text, Uuid, bindparam

from chassis.console.cells import Kind
from chassis.console.siblings import SharedRoom

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from chassis.console.bulk.declaration import BulkAction, Comparison
    from chassis.console.documents import Note
    from chassis.console.lists.filters import Filter

Expression: TypeAlias = "ColumnElement[Any] | Any"
Query: TypeAlias = "Select[*tuple[Any, ...]]"

NOW: BindParameter[datetime] = bindparam("now", type_=DateTime(timezone=True), required=False)
"""Business time, for what depends on it: `due_at < NOW` is bound to the clock when the list is read."""

ZONE: BindParameter[str] = bindparam("zone", type_=Text, required=False)
"""The business zone's name, for what counts in its days: `func.timezone(ZONE, Invoice.due_at)` is wall-clock time."""

ME: BindParameter[UUID] = bindparam("me", type_=Uuid, required=False)
"""Who looks, for what is somebody's own: `Lead.owner_id == ME` in a view that others share means each one's own."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table and of the CSV, and what the address calls it by.

    `value` is SQL; `say` tells it in other words, with the whole row at hand (`row.<name>` of any column or of the
    list's `also`). `tone` colours a chip by its word, or by the row. `is_late` marks what has waited beyond its limit.
    A column that sorts is never null: `nothing` is what stands in it for no value, and the CSV leaves it empty.
    `sums` are of all rows that match, not of the page.
    """

    name: str
    title: str
    value: Expression
    kind: Kind = Kind.TEXT
    say: Callable[[Row[Any]], Any] | None = None
    tone: Mapping[Any, str] | Callable[[Row[Any]], str] = field(default_factory=dict)
    path: Callable[[Row[Any]], str] | None = None
    is_late: Callable[[Row[Any], datetime], bool] | None = None
    sorts: bool = False
    nothing: Any = None
    sums: bool = False
    wraps: bool = False
    is_extra: bool = False
    """Shown to who asks for it, and always in the CSV."""

    def tone_of(self, row: Row[Any]) -> str:
        if callable(self.tone):
            return self.tone(row)
        return self.tone.get(str(getattr(row, self.name)), "")


Limit = timedelta | Callable[[Row[Any]], timedelta | None]


@dataclass(frozen=True, slots=True)
class LateAfter:
    """An `is_late` that names its limit, which the list then tells beside how long it has been."""

    limit: Limit
    since: str
    unless: Callable[[Row[Any]], bool] | None

    def __call__(self, row: Row[Any], now: datetime) -> bool:
        at: datetime | None = getattr(row, self.since)
        limit = self.limit_of(row)
        is_over = at is not None and limit is not None and now - at > limit
        return is_over and not (self.unless and self.unless(row))

    def limit_of(self, row: Row[Any]) -> timedelta | None:
        return self.limit(row) if callable(self.limit) else self.limit


def late_after(limit: Limit, since: str, unless: Callable[[Row[Any]], bool] | None = None) -> LateAfter:
    """The row's instant `since` is longer ago than `limit`, except for rows that wait for nothing."""
    return LateAfter(limit, since, unless)


@dataclass(frozen=True, slots=True)
class Tab:
    """A view that everybody has: its title, and the query it stands for, as `state=open&sort=-total`."""

    title: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class Empty:
    """What an empty list says: what would fill it."""

    title: str
    text: str
    icon: str = "inbox"


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """A list as its room declares it, equal to itself alone; `routes_of` makes its routes.

    `rows` is the select without columns: tables, joins and what always holds, as `select().select_from(Invoice)`.
    `key` is the row's id, unique and what breaks ties. `order` names a sorting column, `-` for descending.
    `holds_personal_data`: its CSV needs a fresh second factor.
    """

    name: str
    title: str
    noun: tuple[str, str]
    path: str
    capability: str | None
    rows: Query
    key: Expression
    columns: Sequence[Column]
    order: str
    empty: Empty
    one_per: type[Any] | None = None
    """Of which table each row is exactly one, where joins only say more of it: counting looks at that table alone,
    unless a filter or a sum is about another."""
    document: Callable[[Row[Any]], str] | None = None
    filters: "Sequence[Filter]" = ()
    tabs: Sequence[Tab] = ()
    also: Mapping[str, Expression] = field(default_factory=dict)
    bulk: "Sequence[BulkAction]" = ()
    comparison: "Comparison | None" = None
    """Where two rows can be seen side by side."""
    links: Sequence[tuple[str, str, str | None]] = ()
    """Beside the title: label, path and the capability it needs, as for what makes a new row."""
    note: str = ""
    notes: "Callable[[AsyncSession, datetime, ZoneInfo], Awaitable[Sequence[Note]]] | None" = None
    """What stands above the list as it is now, by the business zone's clocks, as that its schedule was missed."""
    holds_personal_data: bool = False
    siblings: SharedRoom | None = None
    """Where every service has such a list of its own."""
    room: str = ""
    """Which room it is in, where that is another's than its own."""

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        doubled = {name for name in names if names.count(name) > 1} | (set(names) & (set(self.also) | {"id"}))
        if doubled:
            raise MisdeclaredList(f"{self.name} names more than one thing {sorted(doubled)}")
        asked = [parameter for each in self.filters for parameter in each.parameters]
        if len(asked) > len(set(asked)):
            raise MisdeclaredList(f"{self.name} has two filters that read the same of an address")
        if not self.column(self.order.lstrip("-")).sorts:
            raise MisdeclaredList(f"{self.name} is ordered by a column that does not sort")
        if self.one_per is not None and self.rows.whereclause is not None:
            raise MisdeclaredList(f"{self.name} leaves rows out, and would count them")
        if self.comparison is not None and (not self.bulk or self.action(self.comparison.name)):
            raise MisdeclaredList(f"{self.name} compares rows where none are chosen, or under a bulk action's name")

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise MisdeclaredList(f"{self.name} has no column {name}")

    def action(self, name: str) -> "BulkAction | None":
        return next((action for action in self.bulk if action.name == name), None)


class MisdeclaredList(Exception):
    """A list that contradicts itself is not served."""


class Density(StrEnum):
    """Rows of a page."""

    SOME = "50"
    MORE = "100"
    MOST = "200"
