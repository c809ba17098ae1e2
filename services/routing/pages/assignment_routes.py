"""What the forms of an assignment's page do: the JSON routes' own deeds."""

from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect

from chassis.clock import Clock
from chassis.console import Console, Form, form_at
from chassis.database import Database
from chassis.http import Given, Operator
from services.routing.domain.giving import AssignmentAction
from services.routing.http.assignments import cancel_assignment, release_cap
from services.routing.http.returns import ReturnBody, request_return
from services.routing.pages.assignments import WRITE, CancelForm, ReleaseCapForm
from services.routing.pages.telling import ASSIGNMENTS as PATH
from services.routing.pages.telling import RETURNS
from services.routing.settings import Settings


class ReturnForm(ReturnBody, Form):
    """As the JSON route takes it."""


@form_at(PATH + "/{assignment_id:uuid}/cancel", WRITE)
async def cancel_by_form(
    assignment_id: FromPath[UUID],
    data: JSONBody[CancelForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await cancel_assignment.fn(assignment_id, data, database, clock, operator)
    return _back(console, assignment_id, AssignmentAction.CANCEL)


@form_at(PATH + "/{assignment_id:uuid}/release-cap", WRITE)
async def release_by_form(
    assignment_id: FromPath[UUID],
    data: JSONBody[ReleaseCapForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await release_cap.fn(assignment_id, data, database, clock, operator)
    return _back(console, assignment_id, AssignmentAction.RELEASE_CAP)


@form_at(PATH + "/{assignment_id:uuid}/returns", WRITE)
async def take_return_by_form(
    assignment_id: FromPath[UUID],
    data: JSONBody[ReturnForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    """To the return, where it is decided or was decided already."""
    asked = await request_return.fn(assignment_id, data, database, clock, settings, operator)
    return console.redirect(f"{RETURNS}/{asked.id}")


def _back(console: Console, assignment_id: UUID, done: AssignmentAction) -> Redirect:
    return console.redirect(f"{PATH}/{assignment_id}?done={done}")


ROUTES = (
    cancel_by_form,
    release_by_form,
    take_return_by_form,
)
