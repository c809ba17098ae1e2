"""A bulk action's pages, made from its list's declaration: what would be done, and then what was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field
from sqlalchemy import Row

from chassis.console.actions import Action
from chassis.console.bulk import jobs
from chassis.console.bulk.declaration import BulkAction
from chassis.console.bulk.running import BulkRunner
from chassis.console.bulk.selecting import Asking, Selection, propose_selected, two_of
from chassis.console.bulk.states import ROW_STATES, JobState, RowState
from chassis.console.fields import FormField, filled
from chassis.console.lists.asking import LONGEST_QUERY
from chassis.console.lists.declaration import Listing
from chassis.console.page import Console
from chassis.console.routes import Decorator, form_at, page_at
from chassis.console.siblings import BULK_ACTIONS, BULK_ROWS
from chassis.database import Database
from chassis.errors import NotFound
from chassis.http.auth import Operator
from chassis.http.forms import Form
from chassis.http.given import Given

WAIT_SECONDS = 1.5
"""How long a confirmation's answer waits for the job: most are done by then."""


class SelectForm(Form):
    """`every` takes all that match `query`, whatever page they are on; `again_of` what that job left undone."""

    action: Annotated[str, Field(max_length=60)]
    ids: Annotated[list[UUID], Field(max_length=200)] = []
    every: bool = False
    query: Annotated[str, Field(max_length=LONGEST_QUERY)] = ""
    again_of: UUID | None = None

    def selection(self) -> Selection:
        return Selection(self.ids, self.query if self.every else None, self.again_of)


class SightForm(Form):
    """`sight` names the preview that was looked at."""

    sight: Annotated[str, Field(max_length=jobs.SIGHT_LENGTH)]


@dataclass(frozen=True, slots=True)
class Progress:
    """What the page says of a job: numbers by state, and the share that is through."""

    done: int
    refused: int
    failed: int
    blocked: int
    ready: int

    @property
    def through(self) -> int:
        return self.done + self.refused + self.failed

    @property
    def total(self) -> int:
        return self.through + self.ready

    @property
    def selected(self) -> int:
        """With what could not be done from the start."""
        return self.total + self.blocked

    @property
    def undone(self) -> int:
        return self.refused + self.failed

    @property
    def by_state(self) -> list[tuple[RowState, int]]:
        """Of those states that a row is in, what needs a person first."""
        numbers = [(RowState(name), getattr(self, name)) for name in ("failed", "refused", "blocked", "ready", "done")]
        return [(state, number) for state, number in numbers if number]

    @classmethod
    def of(cls, counts: Mapping[RowState, int]) -> "Progress":
        return cls(**{state.value: counts.get(state, 0) for state in RowState})


def bulk_routes(listing: Listing) -> tuple[HTTPRouteHandler, ...]:
    """To be served where the list has bulk actions; the application gives `bulk: BulkRunner`."""

    @form_at(f"{listing.path}/bulk", listing.capability)
    async def choose(
        data: JSONBody[SelectForm],
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
    ) -> Redirect:
        if listing.comparison is not None and data.action == listing.comparison.name:
            return console.redirect(listing.comparison.path(*two_of(data.selection())))
        asking = Asking(operator, console.clock.now(), console.wording.zone)
        async with database.transaction() as session:
            job_id = await propose_selected(session, listing, data.action, data.selection(), asking)
        return console.redirect(f"{listing.path}/bulk/{job_id}")

    @page_at(listing.path + "/bulk/{job_id:uuid}", listing.capability)
    async def show_job(
        job_id: FromPath[UUID],
        request: Request[Any, Any, Any],
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
    ) -> Response[str]:
        return await show_page(listing, job_id, request, console, database, operator)

    return choose, show_job, *(route for action in listing.bulk for route in _deciding(listing, action))


def _deciding(listing: Listing, action: BulkAction) -> tuple[HTTPRouteHandler, ...]:
    if action.look_with is None:
        return (_confirming(listing, action),)
    return _previewing(listing, action), _confirming_previewed(listing, action)


def _path_of(listing: Listing, job_id: UUID | str, action: BulkAction) -> str:
    return f"{listing.path}/bulk/{job_id}/{action.name.replace('_', '-')}"


_JOB = "{job_id:uuid}"


def _confirming(listing: Listing, action: BulkAction) -> HTTPRouteHandler:
    form = action.form

    async def confirm(
        job_id: FromPath[UUID],
        data: JSONBody[form],  # type: ignore[valid-type]
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
        bulk: Given[BulkRunner],
    ) -> Redirect:
        async with database.transaction() as session:
            await jobs.confirm(session, job_id, action, data, operator, console.clock.now())
        await bulk.run_for(job_id, WAIT_SECONDS)
        return console.redirect(f"{listing.path}/bulk/{job_id}")

    return _posted(_path_of(listing, _JOB, action), action, step_up=action.step_up)(confirm)


def _previewing(listing: Listing, action: BulkAction) -> HTTPRouteHandler:
    form = action.form

    async def preview(
        job_id: FromPath[UUID],
        data: JSONBody[form],  # type: ignore[valid-type]
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
    ) -> Redirect:
        async with database.transaction() as session:
            now, zone = console.clock.now(), console.wording.zone
            await jobs.preview(session, job_id, action, data, operator, now, zone)
        return console.redirect(f"{listing.path}/bulk/{job_id}")

    return _posted(f"{_path_of(listing, _JOB, action)}/preview", action)(preview)


def _confirming_previewed(listing: Listing, action: BulkAction) -> HTTPRouteHandler:
    async def confirm_previewed(
        job_id: FromPath[UUID],
        data: JSONBody[SightForm],
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
        bulk: Given[BulkRunner],
    ) -> Redirect:
        async with database.transaction() as session:
            await jobs.confirm_previewed(session, job_id, action, data.sight, operator, console.clock.now())
        await bulk.run_for(job_id, WAIT_SECONDS)
        return console.redirect(f"{listing.path}/bulk/{job_id}")

    return _posted(_path_of(listing, _JOB, action), action, step_up=action.step_up)(confirm_previewed)


def _posted(path: str, action: BulkAction, *, step_up: bool = False) -> Decorator:
    size: dict[str, Any] = (
        {} if action.largest_form_bytes is None else {"request_max_body_size": action.largest_form_bytes}
    )
    return form_at(path, action.capability, step_up=step_up, **size)


async def show_page(
    listing: Listing,
    job_id: UUID,
    request: Request[Any, Any, Any],
    console: Console,
    database: Database,
    operator: Operator,
) -> Response[str]:
    async with database.reading() as session:
        job = await jobs.find(session, job_id)
        counts = await jobs.counts_of(session, job_id)
        rows = await jobs.rows_of(session, job_id)
        declared = NotFound.unless(listing.action(job.action), "there is no such bulk action")
        fields = await declared.fields_now(session) if JobState(job.state).is_open else ()
    progress = Progress.of(counts)
    context = {
        "listing": listing,
        "state": JobState(job.state),
        "progress": progress,
        "rows": rows,
        "row_states": ROW_STATES,
        "path": f"{listing.path}/bulk/{job_id}",
        "job_id": job_id,
        "may_begin_again": operator.can(declared.capability),
        "rows_path": f"{BULK_ROWS.path(console.service)}?job={job_id}",
        "jobs_path": BULK_ACTIONS.path(console.service),
        **decisions_of(declared, job, fields, _path_of(listing, job_id, declared), progress.ready),
    }
    return console.page(request, "bulk.html", context, room=listing.room or listing.name)


def decisions_of(
    declared: BulkAction, job: Row[Any], fields: Sequence[FormField], path: str, ready: int
) -> dict[str, Action | None]:
    """`preview` fills in the form of an action that has one to look with, `action` confirms."""
    confirmed = Action(
        name=declared.name,
        label=declared.label,
        path=path,
        effect=declared.effect(ready),
        fields=fields,
        destroys=declared.destroys,
    )
    if declared.look_with is None:
        return {"action": confirmed, "preview": None}
    is_filled = job.state == JobState.PREVIEWED
    return {
        "action": replace(confirmed, fields=(), hidden={"sight": jobs.sight_of(job)}),
        "preview": replace(
            confirmed, label="Preview", path=f"{path}/preview", fields=filled(fields, job.form) if is_filled else fields
        ),
    }
