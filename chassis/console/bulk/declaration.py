"""What a room says of a deed that can be done to many rows of its list."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console.bulk.states import RowState
from chassis.console.fields import FormField
from chassis.database import Database
from chassis.http.forms import Form
from chassis.tables import bulk_rows
from contracts.identity import Capability


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one row before anything is done: what it is called, what is in the way, else what would change in it."""

    name: str
    why_not: str = ""
    effect: str = ""


class DoneAlready(Exception):
    """Another process has done the row: nothing is to be done."""


@dataclass(frozen=True, slots=True)
class BulkActor:
    """Who confirmed the job, as the audit names them."""

    id: UUID
    name: str


@dataclass(slots=True)
class Work:
    """One row of a job, for the deed's function.

    What it changes inside `transaction()` is committed with the row's own result: a process that dies does neither or
    both. What cannot be in a transaction, as a vendor's call, comes before and is idempotent.
    """

    database: Database
    clock: Clock
    given: Mapping[str, Any]
    actor: BulkActor
    form: Form
    id: UUID
    job_id: UUID
    row_no: int
    is_settled: bool = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Raises DoneAlready where another process was faster."""
        async with self.database.transaction() as session:
            await self.settle(session)
            yield session

    async def settle(self, session: AsyncSession) -> None:
        changed = await session.execute(
            update(bulk_rows)
            .where(bulk_rows.c.job_id == self.job_id, bulk_rows.c.row_no == self.row_no)
            .where(bulk_rows.c.state == RowState.READY)
            .values(state=RowState.DONE, done_at=self.clock.now())
        )
        if not changed.rowcount:  # type: ignore[attr-defined]
            raise DoneAlready
        self.is_settled = True


Look = Callable[[AsyncSession, Sequence[UUID], datetime], Awaitable[Mapping[UUID, Verdict]]]
"""Of each of the ids what would happen, by the rules that the command checks; a missing id is gone."""

LookWith = Callable[[AsyncSession, Sequence[UUID], Any, datetime, ZoneInfo], Awaitable[Mapping[UUID, Verdict]]]
"""As Look, of what the filled-in form would change: it gets the form as the deed will, and the zone of its clocks."""

Fields = Sequence[FormField] | Callable[[AsyncSession], Awaitable[Sequence[FormField]]]
"""Declared, or asked of the database when the page is shown, as the people to choose from."""


@dataclass(frozen=True, slots=True)
class BulkAction:
    """`effect` says what will be done to so many rows; `form` is what the page's fields are read into.

    With `look_with` the form is filled in first and kept, the page shows what it would change in each row, and only
    then is it confirmed: what was seen is what is done. `largest_form_bytes` is of a form that may be larger than the
    service's other bodies.
    """

    name: str
    label: str
    capability: Capability
    look: Look
    do: Callable[[Work], Awaitable[None]]
    effect: Callable[[int], str]
    form: type[Form] = Form
    fields: Fields = ()
    step_up: bool = False
    destroys: bool = False
    look_with: LookWith | None = None
    largest_form_bytes: int | None = None
    looks_at_all: bool = False
    """Where what is seen of one row depends on the others, as a place under a cap does: all are looked at together."""

    async def fields_now(self, session: AsyncSession) -> Sequence[FormField]:
        return await self.fields(session) if callable(self.fields) else self.fields


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rows side by side: chosen as for a bulk action, but it is a page that `path` leads to, and no deed.

    Whoever may read the list may look at two of its rows.
    """

    path: Callable[[UUID, UUID], str]
    name: str = "compare"
    label: str = "Compare two"
