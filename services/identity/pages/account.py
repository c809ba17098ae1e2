"""One's own account: the password, the second factor, and where one is signed in."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import ConfigDict, Field, SecretStr

from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Document, Done, Fact, Part
from chassis.console.timeline import moments_of
from chassis.console.wording import words
from chassis.database import Database
from chassis.errors import Invalid
from chassis.http import Given, Operator
from services.identity import queries
from services.identity.commands import enrolments, passwords, sessions
from services.identity.commands.access import live_session, subject_of
from services.identity.commands.passwords import RULES, ChangePassword
from services.identity.errors import InvalidCredentials, SessionEnded, TooManyAttempts
from services.identity.http.console import ENROL, HOME, signed_out
from services.identity.models import Operator as OperatorRow
from services.identity.pages.enrolment import faults_of, refuse_other
from services.identity.pages.operator import VERBS
from services.identity.pages.underway import Underway, keep
from services.identity.security import Security

ROOM = "account"
PATH = "/console/account"
OWN_VERBS = {
    **VERBS,
    "create_operator": "invited you",
    "change_role": "changed your role",
    "disable_operator": "disabled you",
    "enable_operator": "enabled you",
    "reset_second_factor": "reset your second factor",
    "revoke_sessions": "ended your sessions",
}
FACTOR = Action(
    "second_factor",
    "Change second factor",
    f"{PATH}/second-factor",
    effect="Shows the key for a new device. The present one is good until a code of the new one confirms it; then all "
    "your sessions end.",
)
DONE = {"end": "Ended", "end_others": "All others are ended"}
Secret = Annotated[SecretStr, Field(max_length=1024)]


class PasswordForm(Form):
    """What is left empty is not the password. A space at the end of one is a part of it."""

    model_config = ConfigDict(str_strip_whitespace=False)

    current_password: Secret = SecretStr("")
    new_password: Secret = SecretStr("")
    new_password_again: Secret = SecretStr("")


class OwnForm(Form):
    """Nothing but the session's mark."""


@page_at(PATH, None)
async def show_account(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    document = await _account(console, database, security, operator)
    return _page(console, request, document, finished=DONE.get(done or "", ""))


def _page(
    console: Console, request: Request[Any, Any, Any], document: Document, *, finished: str = "", status: int = 200
) -> Response[str]:
    context = {"document": document, "finished": finished}
    return console.page(request, "document.html", context, room=ROOM, status=status)


async def _account(
    console: Console,
    database: Database,
    security: Security,
    operator: Operator,
    faults: Mapping[str, str] | None = None,
) -> Document:
    async with database.reading() as session:
        current = await live_session(session, operator, security.now())
        row = await queries.operator(session, operator.id)
        if row is None:
            raise SessionEnded()
        open_now = await queries.live_sessions(session, operator.id, security.now())
        moments = await moments_of(session, [subject_of(operator.id)], OWN_VERBS, console.wording)
    at_password = {"rules": RULES, "email": row.email, "faults": faults or {}}
    return Document(
        title="My account",
        room=ROOM,
        up=("Home", HOME),
        sentence=f"{row.name}, {row.email}",
        facts=_facts(row),
        actions=(FACTOR,),
        sections=(
            Part("Password", "account_password.html", at_password),
            Part("Open sessions", "account_sessions.html", {"sessions": open_now, "current": current.id}),
        ),
        timeline=moments,
    )


def _facts(row: OperatorRow) -> list[Fact]:
    return [
        Fact("Role", Shown(row.role, Kind.WORD)),
        Fact("May", ", ".join(sorted(words(each).lower() for each in row.role.capabilities))),
        Fact("Second factor since", Shown(row.totp_enrolled_at, Kind.INSTANT)),
        Fact("Password since", Shown(row.password_changed_at, Kind.INSTANT)),
    ]


@form_at(f"{PATH}/password", None)
async def change_password_by_form(
    data: JSONBody[PasswordForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Response[Any]:
    new = data.new_password.get_secret_value()
    try:
        refuse_other(new, data.new_password_again.get_secret_value(), "new_password_again")
        command = ChangePassword(operator, data.current_password.get_secret_value(), new)
        await passwords.change_password(database, command, security)
    except (Invalid, InvalidCredentials, TooManyAttempts) as refused:
        faults = faults_of(refused, "current_password", "This is not your present password")
        document = await _account(console, database, security, operator, faults)
        # Who is signed in is told 422: with 401 a browser's helpers would think that they are not.
        is_late = isinstance(refused, TooManyAttempts)
        status = refused.status if is_late else HTTPStatus.UNPROCESSABLE_ENTITY
        return _page(console, request, document, status=status)
    return signed_out(console, "password")


@form_at(f"{PATH}/second-factor", None, step_up=True)
async def replace_second_factor_by_form(
    data: JSONBody[OwnForm],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Redirect:
    """Goes on where an invitation's second factor is set."""
    async with database.transaction() as session:
        made = await enrolments.replace_second_factor(session, operator, security)
    return keep(console.redirect(ENROL), Underway(made.token, is_begun=True, is_own=True), console, security)


@form_at(PATH + "/sessions/{session_id:uuid}/end", None)
async def end_session_by_form(
    session_id: FromPath[UUID],
    data: JSONBody[OwnForm],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await sessions.end_other_sessions(session, operator, security, only=session_id)
    return console.redirect(f"{PATH}?done=end")


@form_at(f"{PATH}/sessions/end-others", None)
async def end_others_by_form(
    data: JSONBody[OwnForm],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await sessions.end_other_sessions(session, operator, security)
    return console.redirect(f"{PATH}?done=end_others")


ROUTES = (
    show_account,
    change_password_by_form,
    replace_second_factor_by_form,
    end_session_by_form,
    end_others_by_form,
)
