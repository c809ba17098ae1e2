"""Bulk actions over HTTP: what can be done to many, a job looked at and confirmed once, and the result of each row.

They are the console's own, under the same rules: the action says which capability and which second factor it needs.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import Row

from chassis.console.bulk import jobs
from chassis.console.bulk.declaration import BulkAction
from chassis.console.bulk.routes import WAIT_SECONDS
from chassis.console.bulk.running import BulkRunner
from chassis.console.bulk.selecting import Asking, Selection, allowed, propose_selected, refuse_without
from chassis.console.bulk.states import JobState, RowState
from chassis.console.lists.asking import LONGEST_QUERY
from chassis.console.page import Console
from chassis.database import Database
from chassis.errors import FieldError, NotFound
from chassis.http.auth import Operator, requires
from chassis.http.bodies import Body, field_errors
from chassis.http.bulk_views import BulkActionsView, BulkActionView, BulkJobView, BulkRowsView
from chassis.http.endpoints import InvalidRequest
from chassis.http.forms import CSRF_FIELD, Form
from chassis.http.given import Given
from chassis.paging import LARGEST_PAGE, Page, PageRequest
from contracts.identity import Capability

MOST_IDS = 1_000
MOST_BYTES = 1_000_000
"""Of a form: a field of it may be a whole sheet, and each character of that may take twelve bytes in JSON."""

READ = requires(Capability.READ_OPS)

Name = Annotated[str, Field(max_length=60)]
Written = Annotated[str, Field(max_length=40_000)]
Value = Written | int | bool | Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=200)] | None
Filled = Annotated[
    dict[Name, Value],
    Field(max_length=60, description="the action's form, as GET /admin/bulk-actions has its schema; amounts in cents"),
]


Ids = Annotated[list[UUID], Field(min_length=1, max_length=MOST_IDS)]


class ProposeBulkJob(Body):
    """Which rows: `ids`, or all that match `query` (a view of the console's list), or what `again_of` left undone."""

    list: Name
    action: Name
    ids: Ids | None = None
    query: Annotated[str | None, Field(max_length=LONGEST_QUERY)] = None
    again_of: UUID | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> "ProposeBulkJob":
        if [self.ids, self.query, self.again_of].count(None) != 2:
            raise PydanticCustomError("selection_unclear", "Say one of ids, query and again_of")
        return self

    def selection(self) -> Selection:
        return Selection(self.ids or (), self.query, self.again_of)


class PreviewBulkJob(Body):
    form: Filled


class ConfirmBulkJob(Body):
    """`form` of an action without a preview; of one with a preview the `sight` of what was looked at."""

    form: Filled = {}
    sight: Annotated[str | None, Field(max_length=jobs.SIGHT_LENGTH)] = None


@get("/admin/bulk-actions", guards=[READ])
async def list_bulk_actions(bulk: Given[BulkRunner]) -> BulkActionsView:
    """What can be done to many rows of which list, with the form of each"""
    return BulkActionsView(
        items=[BulkActionView.of(each, action) for each in bulk.listings.values() for action in each.bulk]
    )


@post("/admin/bulk-jobs", guards=[READ], status_code=201, may_miss=True)
async def propose_bulk_job(
    data: JSONBody[ProposeBulkJob],
    bulk: Given[BulkRunner],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> BulkJobView:
    """Looks at what would be done to each row, and does nothing"""
    listing = NotFound.unless(bulk.listings.get(data.list), "there is no such list with bulk actions")
    asking = Asking(operator, console.clock.now(), console.wording.zone)
    async with database.transaction() as session:
        job_id = await propose_selected(session, listing, data.action, data.selection(), asking)
    return await _shown(database, job_id)


@get("/admin/bulk-jobs", guards=[READ])
async def list_bulk_jobs(
    database: Given[Database],
    console: Given[Console],
    page: Given[PageRequest],
    in_state: Annotated[JobState | None, QueryParameter(name="state")] = None,
    actor_id: FromQuery[UUID | None] = None,
    failing: Annotated[
        bool, QueryParameter(description="of the last 30 days, with rows that failed and were not looked at again")
    ] = False,
) -> Page[BulkJobView]:
    """The latest first"""
    async with database.reading() as session:
        rows = await jobs.list_jobs(session, page, in_state, actor_id, console.clock.now() if failing else None)
        counts = await jobs.counts_of_all(session, [row.id for row in rows])
    return page.page(rows, lambda row: (row.proposed_at, row.id), lambda row: BulkJobView.of(row, counts[row.id]))


@get("/admin/bulk-jobs/{bulk_job_id:uuid}", guards=[READ])
async def get_bulk_job(bulk_job_id: FromPath[UUID], database: Given[Database]) -> BulkJobView:
    """How far it is: rows by what became of them"""
    return await _shown(database, bulk_job_id)


@get("/admin/bulk-jobs/{bulk_job_id:uuid}/rows", guards=[READ])
async def list_bulk_rows(
    bulk_job_id: FromPath[UUID],
    bulk: Given[BulkRunner],
    database: Given[Database],
    operator: Given[Operator],
    in_state: Annotated[RowState | None, QueryParameter(name="state")] = None,
    after: Annotated[int, QueryParameter(ge=0, le=jobs.MOST_ROWS, description="`next` of the page before")] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE)] = LARGEST_PAGE,
) -> BulkRowsView:
    """What would be done to each, or what became of it, in the order of their numbers"""
    async with database.reading() as session:
        job = await jobs.find(session, bulk_job_id)
        listing = bulk.listings.get(job.list)
        refuse_without(operator, listing.capability if listing else None)
        rows = await jobs.rows_after(session, bulk_job_id, after, limit + 1, in_state)
    return BulkRowsView.of(rows, limit)


@post(
    "/admin/bulk-jobs/{bulk_job_id:uuid}/preview",
    guards=[READ],
    status_code=200,
    request_max_body_size=MOST_BYTES,
)
async def preview_bulk_job(
    bulk_job_id: FromPath[UUID],
    data: JSONBody[PreviewBulkJob],
    bulk: Given[BulkRunner],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> BulkJobView:
    """Keeps the form and looks at what it would change in each row; `sight` in the answer names what was seen"""
    now, zone = console.clock.now(), console.wording.zone
    async with database.transaction() as session:
        action = _declared(bulk, await jobs.find(session, bulk_job_id), operator)
        form = _filled(action, data.form)
        await jobs.preview(session, bulk_job_id, action, form, operator, now, zone)
    return await _shown(database, bulk_job_id)


@post(
    "/admin/bulk-jobs/{bulk_job_id:uuid}/confirm",
    guards=[READ],
    status_code=200,
    request_max_body_size=MOST_BYTES,
)
async def confirm_bulk_job(
    bulk_job_id: FromPath[UUID],
    data: JSONBody[ConfirmBulkJob],
    request: Request[Any, Any, Any],
    bulk: Given[BulkRunner],
    console: Given[Console],
    database: Given[Database],
    operator: Given[Operator],
) -> BulkJobView:
    """Does it: what takes longer than a moment goes on by itself. Confirmed twice, it is done once"""
    now = console.clock.now()
    async with database.transaction() as session:
        action = _declared(bulk, await jobs.find(session, bulk_job_id), operator)
        needed = requires(action.capability, step_up=action.step_up)
        needed.refuse_stale(request.app.state.authenticator, operator)
        if action.look_with is None:
            await jobs.confirm(session, bulk_job_id, action, _filled(action, data.form), operator, now)
        else:
            await jobs.confirm_previewed(session, bulk_job_id, action, _sight(data), operator, now)
    await bulk.run_for(bulk_job_id, WAIT_SECONDS)
    return await _shown(database, bulk_job_id)


def _declared(bulk: BulkRunner, job: Row[Any], operator: Operator) -> BulkAction:
    listing = NotFound.unless(bulk.listings.get(job.list), "its list has no bulk actions any more")
    return allowed(listing, job.action, operator)


def _filled(action: BulkAction, written: dict[str, Value]) -> Form:
    """As a page's form is read: null counts as not sent."""
    if CSRF_FIELD in written:
        fault = FieldError(f"form.{CSRF_FIELD}", "extra_forbidden", "Extra inputs are not permitted")
        raise InvalidRequest("the form is not as the action has it", errors=(fault,))
    try:
        return action.form.model_validate({name: value for name, value in written.items() if value is not None})
    except ValidationError as invalid:
        faults: Sequence[FieldError] = field_errors(invalid, within="form")
        raise InvalidRequest("the form is not as the action has it", errors=tuple(faults)) from None


def _sight(data: ConfirmBulkJob) -> str:
    if data.sight is None:
        fault = FieldError("sight", "missing", "Preview it first, and say the sight of what was looked at")
        raise InvalidRequest("this action is previewed before it is confirmed", errors=(fault,))
    return data.sight


async def _shown(database: Database, job_id: UUID) -> BulkJobView:
    async with database.reading() as session:
        job = await jobs.find(session, job_id)
        return BulkJobView.of(job, await jobs.counts_of(session, job_id))


BULK_ROUTES = (
    list_bulk_actions,
    propose_bulk_job,
    list_bulk_jobs,
    get_bulk_job,
    list_bulk_rows,
    preview_bulk_job,
    confirm_bulk_job,
)
"""Of every service whose lists have bulk actions."""
