"""One operator: role and sessions, and what can be done with their access."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field

from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Note, Table, show_document
from chassis.console.fields import FieldKind, FormField, options_of
from chassis.console.timeline import Moment, in_order, moments_of, refuse_if_changed, seen_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.errors import NotFound
from chassis.http import Given, Operator
from contracts.identity import Role
from services.identity import queries
from services.identity.commands import operators as commands
from services.identity.commands.access import live_session, subject_of
from services.identity.commands.attempts import locked_until, sign_in_guesses
from services.identity.commands.operators import ChangeRole, ForOperator, RevokeSessions, is_last_super_admin
from services.identity.domain import AccessDeed, obstacle_to_access
from services.identity.http.operators import ReasonBody, RevokeBody, RoleBody
from services.identity.models import Operator as OperatorRow
from services.identity.models import OperatorSession
from services.identity.pages.operators import ACCESS, PATH, ROOM, TONES
from services.identity.security import Security

VERBS = {
    "create_operator": "invited them",
    "change_role": "changed their role",
    "disable_operator": "disabled them",
    "enable_operator": "enabled them",
    "reset_second_factor": "reset their second factor",
    "revoke_sessions": "ended their sessions",
    "begin_enrolment": "began to set a second factor",
    "enrol_second_factor": "set a second factor",
    "end_own_sessions": "signed out elsewhere",
    "change_password": "changed the password",
}
REASON = FormField("reason", "Reason", FieldKind.PROSE, is_required=True, longest=500)
Seen = Annotated[UUID | None, Field(strict=False)]


class RoleForm(RoleBody, Form):
    seen: Seen = None


class ReasonForm(ReasonBody, Form):
    """As the JSON routes take it."""


class RevokeForm(RevokeBody, Form):
    """As the JSON route takes it."""


@page_at(PATH + "/{operator_id:uuid}", ACCESS)
async def show_operator(
    operator_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    async with database.reading() as session:
        await live_session(session, operator, security.now())
        row = NotFound.unless(await queries.operator(session, operator_id), "there is no such operator")
        sessions = await queries.live_sessions(session, operator_id, security.now())
        others = await queries.super_admins_who_can_act(session, but=operator_id)
        seen = await seen_of(session, subject_of(operator_id))
        account, _ = sign_in_guesses(row.email, "", security)
        locked = await locked_until(session, account, security.now())
        moments = await moments_of(session, [subject_of(operator_id)], VERBS, console.wording)
    is_last = is_last_super_admin(row, others)
    made = [Moment(row.created_at, "Waybill", "made the account")]
    document = Document(
        title=row.name,
        room=ROOM,
        up=("Operators", PATH),
        states=(chip(words(row.status), TONES[row.status]),),
        sentence=f"{words(row.role)}, {row.email}",
        notes=[_locked_out(locked, console)] if locked else (),
        facts=_facts(row),
        actions=[_action(deed, row, operator, seen, is_last=is_last) for deed in AccessDeed],
        sections=(_sessions(sessions),),
        timeline=in_order(moments, [] if moments else made),
    )
    return show_document(console, request, document, done)


def _locked_out(until: datetime, console: Console) -> Note:
    return Note(
        f"Locked out until {console.wording.exact(until)}",
        "There were too many failed sign-ins. It ends by itself; if it was not them, end their sessions and ask them "
        "to change the password.",
        "warning",
    )


def _facts(row: OperatorRow) -> list[Fact]:
    return [
        Fact("Role", Shown(row.role, Kind.WORD)),
        Fact("May", ", ".join(sorted(words(each).lower() for each in row.role.capabilities))),
        Fact("Here since", Shown(row.created_at, Kind.INSTANT)),
        Fact("Second factor since", Shown(row.totp_enrolled_at, Kind.INSTANT)),
        Fact("Password since", Shown(row.password_changed_at, Kind.INSTANT)),
        Fact("Id", Shown(str(row.id), Kind.ID)),
    ]


def _sessions(sessions: Any) -> Table:
    return Table(
        "Open sessions",
        (("Started", Kind.AGO), ("Last seen", Kind.AGO), ("Second factor", Kind.AGO), ("Ends", Kind.INSTANT)),
        [_session(each) for each in sessions],
        empty="No session is open.",
    )


def _session(row: OperatorSession) -> tuple[Shown, ...]:
    return (
        Shown(row.started_at, Kind.INSTANT),
        Shown(row.last_seen_at, Kind.AGO),
        Shown(row.mfa_at, Kind.AGO),
        Shown(row.expires_at, Kind.INSTANT),
    )


_WORDS = {
    AccessDeed.CHANGE_ROLE: (
        "Change role",
        "Ends their sessions, so that nothing goes on under the old role.",
        "Changed",
    ),
    AccessDeed.DISABLE: ("Disable", "Ends their sessions, and nobody can sign in with this account.", "Disabled"),
    AccessDeed.ENABLE: ("Enable", "They can sign in again, with the password and second factor they had.", "Enabled"),
    AccessDeed.RESET_SECOND_FACTOR: (
        "Reset second factor",
        "For a lost device or an invitation that ran out: ends their sessions and shows a new invitation, once.",
        "",
    ),
    AccessDeed.REVOKE_SESSIONS: ("End sessions", "All of them end here at once, elsewhere within minutes.", "Ended"),
}


def _action(deed: AccessDeed, row: OperatorRow, operator: Operator, seen: str, *, is_last: bool) -> Action:
    label, effect, done = _WORDS[deed]
    is_own = row.id == operator.id
    obstacle = obstacle_to_access(deed, row.status, is_own=is_own, is_last_super_admin=is_last)
    fields: list[FormField] = [REASON]
    if deed is AccessDeed.CHANGE_ROLE:
        fields = [
            FormField("role", "Role", FieldKind.CHOICE, row.role, is_required=True, options=options_of(Role)),
            REASON,
        ]
    return Action(
        deed,
        label,
        f"{PATH}/{row.id}/{deed.replace('_', '-')}",
        effect=effect,
        fields=fields,
        hidden={"seen": seen} if deed is AccessDeed.CHANGE_ROLE and seen else {},
        done=done,
        destroys=deed is AccessDeed.DISABLE,
        **refused(operator, ACCESS, obstacle),
    )


@form_at(PATH + "/{operator_id:uuid}/change-role", ACCESS, step_up=True)
async def change_role_by_form(
    operator_id: FromPath[UUID],
    data: JSONBody[RoleForm],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, subject_of(operator_id), data.seen)
        await commands.change_role(session, ChangeRole(operator_id, data.role, data.reason), operator, security)
    return _back(console, operator_id, AccessDeed.CHANGE_ROLE)


@form_at(PATH + "/{operator_id:uuid}/disable", ACCESS)
async def disable_by_form(
    operator_id: FromPath[UUID],
    data: JSONBody[ReasonForm],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await commands.disable_operator(session, ForOperator(operator_id, data.reason), operator, security)
    return _back(console, operator_id, AccessDeed.DISABLE)


@form_at(PATH + "/{operator_id:uuid}/enable", ACCESS, step_up=True)
async def enable_by_form(
    operator_id: FromPath[UUID],
    data: JSONBody[ReasonForm],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await commands.enable_operator(session, ForOperator(operator_id, data.reason), operator, security)
    return _back(console, operator_id, AccessDeed.ENABLE)


@form_at(PATH + "/{operator_id:uuid}/revoke-sessions", ACCESS)
async def revoke_by_form(
    operator_id: FromPath[UUID],
    data: JSONBody[RevokeForm],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        command = RevokeSessions(operator_id, data.reason, data.session_id)
        await commands.revoke_sessions(session, command, operator, security)
    return _back(console, operator_id, AccessDeed.REVOKE_SESSIONS)


def _back(console: Console, operator_id: UUID, done: AccessDeed) -> Redirect:
    return console.redirect(f"{PATH}/{operator_id}?done={done}")


ROUTES = (show_operator, change_role_by_form, disable_by_form, enable_by_form, revoke_by_form)
