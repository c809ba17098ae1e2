"""Bulk actions: those of this service, the latest first, and what became of each of their rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import ColumnElement, Row, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.bulk import jobs
from chassis.console.bulk.failures import FAILING, ROOM, has_failed_rows
from chassis.console.bulk.states import ROW_STATES, JobState, RowState
from chassis.console.cells import Kind
from chassis.console.lists.declaration import ME, NOW, Column, Empty, Listing, Tab
from chassis.console.lists.filters import Choice, Days, Exact, Flag, Option, Search, among
from chassis.console.lists.routes import routes_of
from chassis.console.page import Console
from chassis.console.routes import page_at
from chassis.console.siblings import BULK_ACTIONS, BULK_ROWS
from chassis.console.wording import sentence, words
from chassis.database import Database
from chassis.errors import NotFound
from chassis.http.given import Given
from chassis.tables import bulk_jobs, bulk_rows
from contracts.identity import Capability

JOB, ROW = bulk_jobs.c, bulk_rows.c
STATES = {
    JobState.PROPOSED: "To be confirmed",
    JobState.PREVIEWED: "To be confirmed",
    JobState.RUNNING: "Running",
    JobState.FINISHED: "Finished",
}
TONES = {JobState.RUNNING: "info", JobState.FINISHED: "positive"}
ROW_TONES = {
    RowState.READY: "info",
    RowState.BLOCKED: "warning",
    RowState.DONE: "positive",
    RowState.REFUSED: "danger",
    RowState.FAILED: "danger",
}

Declared = Mapping[str, Listing]
"""The lists that have bulk actions, by their names."""


def bulk_room_routes(service: str, declared: Declared) -> tuple[HTTPRouteHandler, ...]:
    return (
        *routes_of(jobs_of(service, declared)),
        *routes_of(rows_of(service)),
        _door(service, declared),
    )


def jobs_of(service: str, declared: Declared) -> Listing:
    return Listing(
        name=ROOM,
        title="Bulk actions",
        noun=("bulk action", "bulk actions"),
        path=BULK_ACTIONS.path(service),
        capability=Capability.READ_OPS,
        rows=select().select_from(bulk_jobs),
        key=JOB.id,
        order="-proposed",
        siblings=BULK_ACTIONS,
        columns=_job_columns(service, declared),
        filters=(
            Search("q", "Name or id", texts=(JOB.actor_name, JOB.request_id), ids=(JOB.id,)),
            Choice("state", "State", options=_states()),
            Choice("list", "Of which list", options=among(JOB.list, sorted(declared), _titles(declared))),
            Flag("undone", "Refused or failed", condition=_has_undone()),
            Flag(FAILING, "Failed, not looked at again", condition=has_failed_rows(NOW)),
            Flag("mine", "My own", condition=JOB.actor_id == ME),
            Exact("actor", "Who", column=JOB.actor_id),
            Days("proposed", "Begun", column=JOB.proposed_at),
        ),
        tabs=(
            Tab("All"),
            Tab("Running", "state=running"),
            Tab("Refused or failed", "undone=true"),
            Tab("To be looked at", f"{FAILING}=true"),
            Tab("To be confirmed", "state=open"),
            Tab("My own", "mine=true"),
        ),
        document=lambda row: BULK_ACTIONS.path_of(service, row.id),
        empty=Empty(
            "Nothing was done to many at once",
            "What is selected in a list and done to all of it stands here, with what became of each.",
            "list-checks",
        ),
    )


def _job_columns(service: str, declared: Declared) -> tuple[Column, ...]:
    return (
        Column("action", "What", JOB.action, say=lambda row: _label(declared, row)),
        Column("list", "Of which list", JOB.list, say=lambda row: _title(declared, row.list)),
        Column("state", "State", JOB.state, Kind.CHIP, say=lambda row: STATES[JobState(row.state)], tone=TONES),
        *(_number(service, state) for state in (RowState.DONE, RowState.REFUSED, RowState.FAILED, RowState.READY)),
        Column("who", "Who", JOB.actor_name),
        Column("proposed", "Begun", JOB.proposed_at, Kind.AGO, sorts=True),
        _number(service, RowState.BLOCKED, is_extra=True),
        Column("started", "Confirmed", JOB.started_at, Kind.INSTANT, is_extra=True),
        Column("finished", "Finished", JOB.finished_at, Kind.INSTANT, is_extra=True),
        Column("request_id", "Request", JOB.request_id, Kind.ID, is_extra=True),
    )


def _label(declared: Declared, row: Row[Any]) -> str:
    """As its button says it, while there is one."""
    listing = declared.get(row.list)
    action = listing.action(row.action) if listing else None
    return action.label if action else words(row.action)


def _title(declared: Declared, name: str) -> str:
    return declared[name].title if name in declared else words(name)


def _titles(declared: Declared) -> Mapping[str, str]:
    return {name: listing.title for name, listing in declared.items()}


def _states() -> Sequence[Option]:
    is_open = [state for state in JobState if state.is_open]
    return [
        Option("open", "To be confirmed", JOB.state.in_(is_open)),
        *among(JOB.state, [state for state in JobState if not state.is_open]),
    ]


def _number(service: str, state: RowState, *, is_extra: bool = False) -> Column:
    """How many of its rows are in the state, and the way to them."""
    return Column(
        state.value,
        ROW_STATES[state],
        _rows_in(state),
        Kind.NUMBER,
        path=_rows_path(service, state),
        is_extra=is_extra,
    )


def _rows_in(state: RowState) -> ColumnElement[int]:
    count = select(func.count()).where(ROW.job_id == JOB.id, ROW.state == state)
    return count.correlate(bulk_jobs).scalar_subquery()


def _rows_path(service: str, state: RowState) -> Callable[[Row[Any]], str]:
    def path(row: Row[Any]) -> str:
        return f"{BULK_ROWS.path(service)}?job={row.id}&state={state}" if getattr(row, state.value) else ""

    return path


def _has_undone() -> ColumnElement[bool]:
    undone = ROW.state.in_([RowState.REFUSED, RowState.FAILED])
    return exists().where(ROW.job_id == JOB.id, undone).correlate(bulk_jobs)


def rows_of(service: str) -> Listing:
    """In the order of the rows' own key, so that a page of a large one is found at once."""
    return Listing(
        name="bulk-rows",
        title="Rows of bulk actions",
        noun=("row", "rows"),
        path=BULK_ROWS.path(service),
        capability=Capability.READ_OPS,
        rows=select().select_from(bulk_rows.join(bulk_jobs, JOB.id == ROW.job_id)),
        key=ROW.row_no,
        order="job",
        siblings=BULK_ROWS,
        room=ROOM,
        columns=(
            Column("name", "Row", ROW.name),
            Column(
                "state", "Result", ROW.state, Kind.CHIP, say=lambda row: ROW_STATES[RowState(row.state)], tone=ROW_TONES
            ),
            Column("detail", "What changed, or why not", ROW.detail, say=lambda row: sentence(row.detail), wraps=True),
            Column("done", "When", ROW.done_at, Kind.AGO),
            Column(
                "job",
                "Bulk action",
                ROW.job_id,
                Kind.TEXT,
                say=lambda row: words(row.action),
                path=lambda row: BULK_ACTIONS.path_of(service, row.job),
                sorts=True,
            ),
            Column("subject_id", "Its id", ROW.subject_id, Kind.ID, is_extra=True),
        ),
        also={"action": JOB.action},
        filters=(
            Search("q", "Name or id", texts=(ROW.name,), ids=(ROW.subject_id,)),
            Choice("state", "Result", options=among(ROW.state, RowState, ROW_STATES)),
            Exact("job", "Bulk action", column=ROW.job_id, name_of=_name_of),
        ),
        holds_personal_data=True,
        empty=Empty("No rows", "What is done to many at once has a result for each here.", "list-checks"),
    )


async def _name_of(session: AsyncSession, job_id: UUID) -> str | None:
    action = await session.scalar(select(JOB.action).where(JOB.id == job_id))
    return words(action) if action else None


def _door(service: str, declared: Declared) -> HTTPRouteHandler:
    """One address for every job, whichever list it is of: its page is beside that list."""

    @page_at(BULK_ACTIONS.path(service) + "/{job_id:uuid}", Capability.READ_OPS)
    async def open_job(job_id: FromPath[UUID], console: Given[Console], database: Given[Database]) -> Redirect:
        async with database.reading() as session:
            job = await jobs.find(session, job_id)
        listing = NotFound.unless(declared.get(job.list), "its list has no bulk actions any more", job_id=job_id)
        return console.redirect(f"{listing.path}/bulk/{job_id}")

    return open_job
