"""Redeeming an invitation: a password, then the authenticator's key, then the code that confirms it.

All steps have one address; which comes now is in a sealed cookie, so that a reload loses nothing.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import JSONBody
from litestar.response import Redirect
from pydantic import ConfigDict, Field, SecretStr

from chassis.console import Console, Form
from chassis.database import Database
from chassis.errors import FieldError, Invalid, Refusal
from chassis.http import Given
from chassis.http.auth import public_page
from services.identity import one_time_codes, queries
from services.identity.commands import enrolments as commands
from services.identity.commands.enrolments import BeginEnrolment
from services.identity.commands.passwords import RULES
from services.identity.errors import InvalidCode, InvalidCredentials, InvalidEnrolmentToken, TooManyAttempts
from services.identity.http.console import ENROL, signed_out
from services.identity.models import Enrolment
from services.identity.models import Operator as OperatorRow
from services.identity.pages.underway import Underway, forget, keep, underway_of
from services.identity.security import Security
from services.identity.tokens import hashed

OVER = "This invitation is not known, was used already, was replaced by a later one, or has run out."
BY_INVITATION = public_page("authenticated by the invitation")
Secret = Annotated[SecretStr, Field(max_length=1024)]


class InvitationForm(Form):
    """As it was handed over."""

    invitation: Annotated[str, Field(max_length=256)] = ""


class PasswordForm(Form):
    """A space at the end of a password is a part of it. Who has one does not give it twice."""

    model_config = ConfigDict(str_strip_whitespace=False)

    password: Secret = SecretStr("")
    password_again: Secret = SecretStr("")


class CodeForm(Form):
    totp_code: Annotated[str, Field(max_length=20)] = ""


class RestartForm(Form):
    """Nothing."""


class Visitor:
    """Who asks, and with what at hand."""

    def __init__(self, request: Request[Any, Any, Any], console: Console, security: Security) -> None:
        self.request, self.console, self.security = request, console, security
        self.underway = underway_of(request, security)

    async def open_enrolment(self, database: Database) -> tuple[Enrolment, OperatorRow] | None:
        if self.underway is None:
            return None
        async with database.reading() as session:
            return await queries.enrolling(session, hashed(self.underway.token), self.security.now())

    async def page(
        self, database: Database, faults: Mapping[str, str] | None = None, status: int = 200
    ) -> Response[Any]:
        """The step that comes now. Whose enrolment is over meanwhile begins with another invitation."""
        found = await self.open_enrolment(database)
        if found is None or self.underway is None:
            return self.first(is_over=True, status=InvalidEnrolmentToken.status)
        enrolment, operator = found
        context: dict[str, Any] = {"operator": operator, "expires_at": enrolment.expires_at, "faults": faults or {}}
        if enrolment.totp_secret is None or not self.underway.is_begun:
            context |= {"is_new": operator.password_hash is None, "rules": RULES}
            return self.console.page(self.request, "enrol_password.html", context, status=status)
        secret = self.security.opened_secret(enrolment.totp_secret, operator.id)
        issuer = self.security.settings.totp_issuer
        context |= {
            "groups": [secret[begin : begin + 4] for begin in range(0, len(secret), 4)],
            "uri": one_time_codes.provisioning_uri(secret, operator.email, issuer),
            "issuer": issuer,
            "is_own": self.underway.is_own,
        }
        return self.console.page(self.request, "enrol_code.html", context, status=status)

    def first(self, *, is_over: bool = False, fault: str = "", typed: str = "", status: int = 200) -> Response[str]:
        context = {"is_over": is_over, "over": OVER, "fault": fault, "typed": typed}
        answer = self.console.page(self.request, "enrol.html", context, status=status)
        return forget(answer) if is_over else answer


@get(ENROL, guards=[public_page("who was invited comes here")], include_in_schema=False)
async def show_enrolment(
    request: Request[Any, Any, Any], console: Given[Console], database: Given[Database], security: Given[Security]
) -> Response[Any]:
    here = Visitor(request, console, security)
    return here.first() if here.underway is None else await here.page(database)


@post(ENROL, guards=[BY_INVITATION], status_code=200, include_in_schema=False)
async def redeem_by_form(
    data: JSONBody[InvitationForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
) -> Response[Any]:
    here = Visitor(request, console, security)
    here.underway = Underway(data.invitation)
    if not data.invitation or await here.open_enrolment(database) is None:
        fault = OVER if data.invitation else "Paste the invitation that you were given."
        return here.first(fault=fault, typed=data.invitation, status=InvalidEnrolmentToken.status)
    return keep(console.redirect(ENROL), here.underway, console, security)


@post(f"{ENROL}/password", guards=[BY_INVITATION], status_code=200, include_in_schema=False)
async def choose_password_by_form(
    data: JSONBody[PasswordForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
) -> Response[Any]:
    """The first password of an invited operator, and the known one of an operator who lost a device."""
    here = Visitor(request, console, security)
    found = await here.open_enrolment(database)
    if found is None or here.underway is None:
        return await here.page(database)
    password = data.password.get_secret_value()
    try:
        if found[1].password_hash is None:
            refuse_other(password, data.password_again.get_secret_value(), "password_again")
        await commands.begin_enrolment(database, BeginEnrolment(here.underway.token, password), security)
    except (Invalid, InvalidCredentials, TooManyAttempts, InvalidEnrolmentToken) as refused:
        return await here.page(database, faults_of(refused, "password", "This is not your password"), refused.status)
    begun = Underway(here.underway.token, is_begun=True)
    return keep(console.redirect(ENROL), begun, console, security)


@post(f"{ENROL}/code", guards=[BY_INVITATION], status_code=200, include_in_schema=False)
async def confirm_by_form(
    data: JSONBody[CodeForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
) -> Response[Any]:
    here = Visitor(request, console, security)
    if here.underway is None or not here.underway.is_begun:
        return await here.page(database)
    try:
        async with database.transaction() as session:
            await commands.confirm_enrolment(session, here.underway.token, data.totp_code, security)
    except (InvalidCode, InvalidEnrolmentToken) as refused:
        return await here.page(database, {"totp_code": refused.detail}, refused.status)
    return signed_out(console, "enrolled")


@post(
    f"{ENROL}/restart",
    guards=[public_page("forgets what this browser keeps of an invitation, and does nothing else")],
    status_code=200,
    include_in_schema=False,
)
async def restart_by_form(data: JSONBody[RestartForm], console: Given[Console]) -> Redirect:
    """With another invitation; this one stays as good as it was."""
    return forget(console.redirect(ENROL))


def refuse_other(password: str, again: str, field: str) -> None:
    """Nobody is to find out at the sign-in what they did not mean to type."""
    if password != again:
        raise Invalid("give the same twice", errors=(FieldError(field, "differs", "Not the same as above"),))


def faults_of(refused: Refusal, field: str, wrong: str) -> dict[str, str]:
    """What stands beside each field; `wrong` is said at `field` where the password is not the one that it was."""
    if isinstance(refused, Invalid):
        told: dict[str, list[str]] = {}
        for each in refused.errors:
            told.setdefault(each.field, []).append(each.message)
        return {name: "; ".join([first, *map(_going_on, rest)]) for name, (first, *rest) in told.items()}
    return {field: wrong if isinstance(refused, InvalidCredentials) else refused.detail}


def _going_on(message: str) -> str:
    return message[:1].lower() + message[1:]


ROUTES = (show_enrolment, redeem_by_form, choose_password_by_form, confirm_by_form, restart_by_form)
