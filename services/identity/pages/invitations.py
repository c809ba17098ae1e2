"""Inviting an operator, and inviting one anew whose device was lost: the invitation is shown this once."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody

from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.database import Database
from chassis.http import Given, Operator
from contracts.identity import Role
from services.identity.commands import operators as commands
from services.identity.commands.enrolments import Invitation
from services.identity.commands.operators import ForOperator, NewOperator
from services.identity.http.operators import InviteBody
from services.identity.models import Operator as OperatorRow
from services.identity.pages.operator import ReasonForm
from services.identity.pages.operators import ACCESS, PATH, ROOM
from services.identity.security import Security

INVITE = Action(
    "invite",
    "Invite operator",
    f"{PATH}/invite",
    effect="They choose their own password and set their own second factor with the invitation, which is shown once.",
    fields=(
        FormField("name", "Name", is_required=True, longest=100),
        FormField("email", "E-mail", FieldKind.EMAIL, is_required=True, longest=254),
        FormField("role", "Role", FieldKind.CHOICE, is_required=True, options=options_of(Role)),
    ),
)


class InviteForm(InviteBody, Form):
    """As the JSON route takes it."""


@page_at(f"{PATH}/invite", ACCESS)
async def show_invite(request: Request[Any, Any, Any], console: Given[Console]) -> Response[str]:
    return console.page(request, "invite.html", {"action": INVITE, "up": PATH}, room=ROOM)


@form_at(f"{PATH}/invite", ACCESS, step_up=True)
async def invite_by_form(
    data: JSONBody[InviteForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Response[str]:
    async with database.transaction() as session:
        row, invitation = await commands.invite_operator(
            session, NewOperator(data.email, data.name, data.role), operator, security
        )
    return _show_once(console, request, row, invitation)


@form_at(PATH + "/{operator_id:uuid}/reset-second-factor", ACCESS, step_up=True)
async def reset_by_form(
    operator_id: FromPath[UUID],
    data: JSONBody[ReasonForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Response[str]:
    async with database.transaction() as session:
        row, invitation = await commands.reset_second_factor(
            session, ForOperator(operator_id, data.reason), operator, security
        )
    return _show_once(console, request, row, invitation)


def _show_once(
    console: Console, request: Request[Any, Any, Any], row: OperatorRow, invitation: Invitation
) -> Response[str]:
    """The page's headers keep it out of every cache."""
    context = {"row": row, "invitation": invitation, "path": f"{PATH}/{row.id}"}
    return console.page(request, "invitation.html", context, room=ROOM)


ROUTES = (show_invite, invite_by_form, reset_by_form)
