"""Assignments over HTTP."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import CapReleaseReason
from services.routing.commands import assignments as commands
from services.routing.commands.assignments import CancelAssignment, ReleaseCap
from services.routing.domain.states import AssignmentStatus, CancelReason, CapState
from services.routing.http.fields import Note
from services.routing.http.lead_views import AssignmentView
from services.routing.models import Assignment
from services.routing.queries import assignments as queries
from services.routing.queries import returns
from services.routing.queries.installers import names_of


class CancelBody(Body):
    """`reason` is the operator's own words."""

    reason_code: CancelReason
    reason: Note | None = None


class ReleaseCapBody(Body):
    """`reason` is the operator's own words."""

    reason_code: CapReleaseReason
    reason: Note | None = None


@get("/admin/assignments", guards=[requires(Capability.READ_OPS)])
async def list_assignments(
    database: Given[Database],
    page: Given[PageRequest],
    installer_id: FromQuery[UUID | None] = None,
    lead_id: FromQuery[UUID | None] = None,
    status: FromQuery[AssignmentStatus | None] = None,
    cap_state: FromQuery[CapState | None] = None,
    created_from: Annotated[AwareInstant | None, QueryParameter(description="the first instant of the window")] = None,
    created_before: Annotated[AwareInstant | None, QueryParameter(description="the first one after it")] = None,
) -> Page[AssignmentView]:
    """Newest first."""
    wanted = queries.AssignmentFilter(installer_id, lead_id, status, cap_state, created_from, created_before)
    async with database.reading() as session:
        found = await queries.list_assignments(session, wanted, page)
        views = await views_of(session, found)
    return page.page(found, queries.place_of, lambda row: views[row.id])


@get("/admin/assignments/{assignment_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_assignment(assignment_id: FromPath[UUID], database: Given[Database]) -> AssignmentView:
    async with database.reading() as session:
        return await _view(session, await queries.get(session, assignment_id))


@post("/admin/assignments/{assignment_id:uuid}/cancel", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def cancel_assignment(
    assignment_id: FromPath[UUID],
    data: JSONBody[CancelBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> AssignmentView:
    """Take a pending assignment back; its place under the caps is free again."""
    command = CancelAssignment(assignment_id, data.reason_code, data.reason, operator)
    async with database.transaction() as session:
        assignment = await commands.cancel_assignment(session, command, clock.now())
        return await _view(session, assignment)


@post(
    "/admin/assignments/{assignment_id:uuid}/release-cap",
    guards=[requires(Capability.WRITE_ROUTING)],
    status_code=200,
)
async def release_cap(
    assignment_id: FromPath[UUID],
    data: JSONBody[ReleaseCapBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> AssignmentView:
    """A delivery stops counting against the installer's caps, once and for all; what it costs is untouched."""
    command = ReleaseCap(assignment_id, data.reason_code, data.reason, operator)
    async with database.transaction() as session:
        assignment = await commands.release_cap(session, command, clock.now())
        return await _view(session, assignment)


async def _view(session: AsyncSession, assignment: Assignment) -> AssignmentView:
    return (await views_of(session, [assignment]))[assignment.id]


async def views_of(session: AsyncSession, made: Sequence[Assignment]) -> dict[UUID, AssignmentView]:
    names = await names_of(session, [each.installer_id for each in made])
    asked_for = await returns.asked_for(session, [each.id for each in made])
    return {
        each.id: AssignmentView.of(each, names[each.installer_id], is_asked_for=each.id in asked_for) for each in made
    }


ROUTES = (list_assignments, get_assignment, cancel_assignment, release_cap)
