"""The CSV of exactly what is filtered: streamed from one snapshot, harmless to a spreadsheet, and on record."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from chassis.audit import Actor, Subject, record
from chassis.clock import Clock
from chassis.console.cells import plain_of
from chassis.console.lists.asking import Asked
from chassis.console.lists.declaration import Column
from chassis.console.lists.filters import SEARCHED
from chassis.console.lists.reading import read_all
from chassis.console.wording import Wording
from chassis.database import Database

BOM = "\ufeff"
"""By which a spreadsheet knows UTF-8."""
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ROWS_AT_ONCE = 500


async def record_export(database: Database, asked: Asked, actor: Actor) -> None:
    """Before the first byte goes out."""
    filters = {
        name: SEARCHED if filter_.is_search else list(held.value) for name, (filter_, held) in asked.held.items()
    }
    async with database.transaction() as session:
        await record(
            session,
            actor=actor,
            action="export_list",
            subject=Subject("list", asked.listing.name),
            after={"filters": filters, "order": asked.order},
        )


async def stream_csv(
    database: Database, asked: Asked, clock: Clock, wording: Wording, me: UUID | None = None
) -> AsyncIterator[bytes]:
    """All of the list's columns, extra ones too, with the API's words, plain amounts and instants with their offset."""
    columns = asked.listing.columns
    yield (BOM + _line(["id", *(column.name for column in columns)])).encode()
    lines: list[str] = []
    async with database.reading() as session:
        async for row in read_all(session, asked, clock.now(), me):
            lines.append(_line(_values(row, columns, wording)))
            if len(lines) == _ROWS_AT_ONCE:
                yield "".join(lines).encode()
                lines.clear()
    yield "".join(lines).encode()


def _values(row: Row[Any], columns: Sequence[Column], wording: Wording) -> list[str]:
    values = [str(row.id)]
    for column in columns:
        value = getattr(row, column.name)
        told = "" if value == column.nothing else plain_of(column.kind, value, wording)
        values.append(told if column.kind.is_number else harmless(told))
    return values


def harmless(text: str) -> str:
    """A text that a spreadsheet takes for a text: none begins as a formula does."""
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def _line(values: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()
