"""A list's SQL: one statement for a page, one for its count and sums, one cursor for its CSV."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnClause, ColumnElement, Row, TextClause, func, inspect, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.sql.visitors import iterate

from chassis.console.lists.asking import Asked, Place
from chassis.console.lists.declaration import ME, NOW, ZONE, Column, Listing, Query

ROWS_AT_ONCE = 1_000

Reader = AsyncSession | AsyncConnection
"""A list's rows are no entities: without a session's bookkeeping, a connection gives them in less time."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page: its rows, and the places before and after which others are."""

    rows: Sequence[Row[Any]]
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Of everything that matches, whatever page is shown. `sums` by the name of their column."""

    count: int
    sums: Mapping[str, int]


def given(zone: ZoneInfo, now: datetime, me: UUID | None = None) -> dict[str, object]:
    """What a list's statements are run with. Without `me` nobody looks, and nothing is one's own."""
    return {NOW.key: now, ZONE.key: zone.key, ME.key: me}


@dataclass(frozen=True, slots=True)
class _Statements:
    page: Query
    totals: Query


# For as long as the view itself is kept: to build a wide statement and its cache key takes as long as to run it.
_STATEMENTS: WeakKeyDictionary[Asked, _Statements] = WeakKeyDictionary()


def _statements(asked: Asked) -> _Statements:
    made = _STATEMENTS.get(asked)
    if made is None:
        made = _STATEMENTS[asked] = _Statements(_page_query(asked), _totals_query(asked))
    return made


async def read_page(reader: Reader, asked: Asked, now: datetime, me: UUID | None = None) -> Found:
    """Keyset paging in both directions: what was added meanwhile shifts nothing."""
    found = list((await reader.execute(_statements(asked).page, given(asked.zone, now, me))).all())
    has_more, rows = len(found) > asked.limit, found[: asked.limit]
    is_backwards = asked.place is not None and asked.place.is_before
    if is_backwards:
        rows.reverse()
    has_before, has_after = (has_more, True) if is_backwards else (asked.place is not None, has_more)
    return Found(
        rows,
        _place_of(rows[0]) if rows and has_before else None,
        _place_of(rows[-1]) if rows and has_after else None,
    )


async def read_totals(reader: Reader, asked: Asked, now: datetime, me: UUID | None = None) -> Totals:
    row = (await reader.execute(_statements(asked).totals, given(asked.zone, now, me))).one()
    return Totals(row.count_, {column.name: int(getattr(row, column.name)) for column in _summed(asked)})


async def read_all(
    session: AsyncSession, asked: Asked, now: datetime, me: UUID | None = None
) -> AsyncIterator[Row[Any]]:
    """Every row that matches, in the view's order, from one snapshot, a thousand at a time in memory."""
    query = _ordered(_selected(asked), asked, is_backwards=False)
    stream = await session.stream(query, given(asked.zone, now, me), execution_options={"yield_per": ROWS_AT_ONCE})
    async for row in stream:
        yield row


def ids_that_match(asked: Asked, limit: int) -> Query:
    """For what is done to all of them; run it with what is `given`."""
    return _ordered(
        _narrowed(asked, asked.listing.rows.with_only_columns(asked.listing.key.label("id"))),
        asked,
        is_backwards=False,
    ).limit(limit)


async def read_rows(
    session: AsyncSession, listing: Listing, ids: Sequence[Any], zone: ZoneInfo, now: datetime, me: UUID | None = None
) -> Sequence[Row[Any]]:
    """Those of the rows that are still in the list at all, with all their columns."""
    query = _with_columns(listing).where(listing.key.in_(ids))
    found: Sequence[Row[Any]] = (await session.execute(query, given(zone, now, me))).all()
    return found


def _page_query(asked: Asked) -> Query:
    """With one row more than the page has: whether there are others."""
    place = asked.place
    is_backwards = place is not None and place.is_before
    query = _ordered(_selected(asked), asked, is_backwards=is_backwards)
    if place is not None:
        here = tuple_(asked.sorted_by.value, asked.listing.key)
        beside = tuple_(place.value, place.id)
        query = query.where(here < beside if asked.is_descending != is_backwards else here > beside)
    return query.limit(asked.limit + 1)


def _totals_query(asked: Asked) -> Query:
    sums = [func.coalesce(func.sum(column.value), 0).label(column.name) for column in _summed(asked)]
    rows, one_per = asked.listing.rows, asked.listing.one_per
    if one_per is not None and _is_about(one_per, [*sums, *_conditions(asked)]):
        rows = select().select_from(one_per)
    return _narrowed(asked, rows.with_only_columns(func.count().label("count_"), *sums))


def _is_about(table: type[Any], expressions: Iterable[ColumnElement[Any]]) -> bool:
    """Whether they need nothing beside it. What is written as text may be about anything."""
    parts = [part for expression in expressions for part in iterate(expression)]
    if any(isinstance(part, TextClause) for part in parts):
        return False
    tables = {part.table for part in parts if isinstance(part, ColumnClause) and part.table is not None}
    return {getattr(each, "name", None) for each in tables} <= {inspect(table).local_table.name}


def _summed(asked: Asked) -> list[Column]:
    return [column for column in asked.listing.columns if column.sums]


def _selected(asked: Asked) -> Query:
    """All columns, whichever are shown: what a column says may rest on another."""
    query = _with_columns(asked.listing).add_columns(asked.sorted_by.value.label("order_"))
    also = (value.label(name) for _, held in asked.held.values() for name, value in held.also.items())
    return _narrowed(asked, query.add_columns(*also))


def _with_columns(listing: Listing) -> Query:
    return listing.rows.with_only_columns(
        listing.key.label("id"),
        *(column.value.label(column.name) for column in listing.columns),
        *(value.label(name) for name, value in listing.also.items()),
    )


def _narrowed(asked: Asked, query: Query) -> Query:
    conditions = _conditions(asked)
    return query.where(*conditions) if conditions else query


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    return [held.condition for _, held in asked.held.values()]


def _ordered(query: Query, asked: Asked, *, is_backwards: bool) -> Query:
    value, key = asked.sorted_by.value, asked.listing.key
    if asked.is_descending != is_backwards:
        return query.order_by(value.desc(), key.desc())
    return query.order_by(value, key)


def _place_of(row: Row[Any]) -> str:
    return Place.write(row.order_, row.id)
