"""A bulk action's pages, made from its list's declaration: what would be done, and then what was."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.console.actions import Action
from chassis.console.bulk import jobs
from chassis.console.bulk.declaration import BulkAction
from chassis.console.bulk.running import BulkRunner
from chassis.console.bulk.states import JobState, RowState
from chassis.console.lists.asking import LONGEST_QUERY, read_query
from chassis.console.lists.declaration import Listing
from chassis.console.lists.reading import given, ids_that_match
from chassis.console.page import Console
from chassis.console.routes import form_at, page_at
from chassis.database import Database
from chassis.errors import NotFound
from chassis.http.auth import CapabilityMissing, Operator, page_for
from chassis.http.forms import Form
from chassis.http.given import Given

WAIT_SECONDS = 1.5
"""How long a confirmation's answer waits for the job: most are done by then."""


class SelectForm(Form):
    """`every` takes all that match `query`, whatever page they are on."""

    action: Annotated[str, Field(max_length=60)]
    ids: Annotated[list[UUID], Field(max_length=200)] = []
    every: bool = False
    query: Annotated[str, Field(max_length=LONGEST_QUERY)] = ""


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


def bulk_routes(listing: Listing) -> tuple[HTTPRouteHandler, ...]:
    """To be served where the list has bulk actions; the application gives `bulk: BulkRunner`."""

    @form_at(f"{listing.path}/bulk", listing.capability)
    async def choose(
        data: JSONBody[SelectForm],
        console: Given[Console],
        database: Given[Database],
        operator: Given[Operator],
    ) -> Redirect:
        action = NotFound.unless(listing.action(data.action), "there is no such bulk action")
        if not operator.can(action.capability):
            raise CapabilityMissing(f"this needs the capability {action.capability}", capability=action.capability)
        now = console.clock.now()
        async with database.transaction() as session:
            ids = list(data.ids)
            if data.every:
                asked = read_query(listing, data.query, console.wording.zone)
                ids = list(await session.scalars(ids_that_match(asked, jobs.MOST_ROWS), given(asked.zone, now)))
            job_id = await jobs.propose(session, jobs.Propose(listing.name, action, ids, operator), now)
        return console.redirect(f"{listing.path}/bulk/{job_id}")

    @page_at(listing.path + "/bulk/{job_id:uuid}", listing.capability)
    async def show_job(
        job_id: FromPath[UUID],
        request: Request[Any, Any, Any],
        console: Given[Console],
        database: Given[Database],
    ) -> Response[str]:
        return await show_page(listing, job_id, request, console, database)

    return choose, show_job, *(_confirming(listing, action) for action in listing.bulk)


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

    return post(
        f"{listing.path}/bulk/{{job_id:uuid}}/{action.name.replace('_', '-')}",
        guards=[page_for(action.capability, step_up=action.step_up)],
        status_code=200,
        include_in_schema=False,
    )(confirm)


async def show_page(
    listing: Listing, job_id: UUID, request: Request[Any, Any, Any], console: Console, database: Database
) -> Response[str]:
    async with database.reading() as session:
        job = await jobs.find(session, job_id)
        counts = await jobs.counts_of(session, job_id)
        rows = await jobs.rows_of(session, job_id)
    declared = NotFound.unless(listing.action(job.action), "there is no such bulk action")
    progress = Progress(
        *(
            counts.get(state, 0)
            for state in (RowState.DONE, RowState.REFUSED, RowState.FAILED, RowState.BLOCKED, RowState.READY)
        )
    )
    path = f"{listing.path}/bulk/{job_id}"
    context = {
        "listing": listing,
        "job": job,
        "is_proposed": job.state == JobState.PROPOSED,
        "is_running": job.state == JobState.RUNNING,
        "progress": progress,
        "rows": rows,
        "path": path,
        "action": Action(
            name=declared.name,
            label=declared.label,
            path=f"{path}/{declared.name.replace('_', '-')}",
            effect=declared.effect(progress.ready),
            fields=declared.fields,
            destroys=declared.destroys,
        ),
    }
    return console.page(request, "bulk.html", context, room=listing.name)
