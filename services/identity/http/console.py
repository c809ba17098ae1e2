"""Signing in to the console, staying in, proving the second factor anew, and signing out, all with cookies."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody, QueryParameter
from litestar.response import Redirect
from pydantic import ConfigDict, Field, SecretStr

from chassis.console import Console, Form, form_at, page_at, page_for
from chassis.console.documents import Done
from chassis.console.page import RENEW, STEP_UP, Resumption, path_of
from chassis.database import Database
from chassis.errors import Invalid, Refusal
from chassis.http import Given, Operator
from chassis.http.auth import ACCESS_COOKIE, public_page
from chassis.http.sharing import SHARED, share
from services.identity.commands import sessions as commands
from services.identity.commands.sessions import Granted, SignIn, SteppedUp, StepUp
from services.identity.errors import InvalidCode, InvalidCredentials, InvalidRefreshToken, SessionEnded, TooManyAttempts
from services.identity.security import Security

REFRESH_COOKIE = "waybill_refresh"
REFRESH_PATH = "/console/session"
HOME = "/console"
SIGN_IN = "/console/sign-in"
ENROL = "/console/enrol"
ENROLMENT_COOKIE = "waybill_enrolment"
DONE = {
    "enrolled": "Your second factor is set. Sign in with the next code: each is good for one use.",
    "password": "Your password is changed, and all your sessions have ended. Sign in with the new one.",
}
"""What the sign-in says of the deed that led to it."""

Url = Annotated[str, Field(max_length=4_000)]
MostFields = Field(max_length=500)


class SignInForm(Form):
    """A code of another form is a wrong code: nothing is told of which part was wrong.

    A space at the end of a password is a part of it.
    """

    model_config = ConfigDict(str_strip_whitespace=False)

    email: Annotated[str, Field(max_length=320)] = ""
    password: Annotated[SecretStr, Field(max_length=1024)] = SecretStr("")
    totp_code: Annotated[str, Field(max_length=20)] = ""
    next: Url = ""


class StepUpForm(Form):
    """`action` is what waits for it, `names` and `values` what was about to be sent there.

    A script keeps that itself: it sends `part`, and is told whether the code was right.
    """

    part: bool = False
    totp_code: Annotated[str, Field(max_length=20)] = ""
    action: Url = ""
    names: Annotated[list[Annotated[str, Field(max_length=200)]], MostFields] = []
    values: Annotated[list[Annotated[str, Field(max_length=10_000)]], MostFields] = []


class ForeignAddress(Invalid):
    code = "foreign_address"
    title = "Not an address of ours"


@page_at(HOME, None)
async def show_home(request: Request[Any, Any, Any], console: Given[Console]) -> Response[str]:
    """Each service's share of it is fetched by the browser: services do not call each other."""
    return console.page(request, "home.html", room="home")


@get(SIGN_IN, guards=[public_page("who is not signed in comes here")], include_in_schema=False)
async def show_sign_in(
    request: Request[Any, Any, Any],
    console: Given[Console],
    next_url: Annotated[str, QueryParameter(name="next", max_length=4_000)] = "",
    done: Done = None,
) -> Response[str]:
    return _sign_in_page(request, console, next_url, finished=DONE.get(done or "", ""))


@post(
    SIGN_IN,
    guards=[public_page("authenticated by e-mail, password and one-time code")],
    status_code=200,
    include_in_schema=False,
)
async def sign_in_by_form(
    data: JSONBody[SignInForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
) -> Response[Any]:
    command = SignIn(
        email=data.email,
        password=data.password.get_secret_value(),
        totp_code=data.totp_code.strip(),
        address=request.client.host if request.client else "",
    )
    try:
        granted = await commands.sign_in(database, command, security)
    except (InvalidCredentials, TooManyAttempts) as refused:
        return _sign_in_page(request, console, data.next, email=data.email, refused=refused)
    answer = console.redirect(_safe(console, data.next))
    _keep(answer, console, granted)
    return answer


@get(
    RENEW,
    guards=[public_page("authenticated by the refresh cookie")],
    include_in_schema=False,
    opt=SHARED,
)
async def renew_session(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    next_url: Annotated[str, QueryParameter(name="next", max_length=4_000)] = "",
    part: Annotated[bool, QueryParameter(description="for a script, which stays on its page")] = False,
) -> Response[Any]:
    """Where a browser goes whose access cookie has run out: back with a new one, or on to sign in."""
    try:
        async with database.transaction() as session:
            renewed = await commands.renew_access(session, request.cookies.get(REFRESH_COOKIE, ""), security)
    except (InvalidRefreshToken, SessionEnded):
        if part:
            raise
        query = request.url.query
        return console.redirect(f"{SIGN_IN}?{query}" if query else SIGN_IN)
    answer = _done(request) if part else console.redirect(_safe(console, next_url))
    answer.cookies.append(_access_cookie(console, renewed.access.token))
    return answer


def _done(request: Request[Any, Any, Any]) -> Response[Any]:
    """What a script needs no more of than that it was done."""
    return share(request, Response(None, status_code=204, headers={"Cache-Control": "no-store"}))


@post(STEP_UP, guards=[page_for(None)], status_code=200, include_in_schema=False, opt=SHARED)
async def step_up_by_form(
    data: JSONBody[StepUpForm],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Response[Any]:
    """Then what waited for it goes on: by itself where scripts run, else with one more press."""
    if not data.part and not (console.addresses.is_ours(data.action) and path_of(data.action).startswith(f"{HOME}/")):
        raise ForeignAddress("what is to go on is no page of ours")
    resumed = Resumption(data.action, list(zip(data.names, data.values, strict=False)))
    try:
        done: SteppedUp = await commands.step_up(database, StepUp(operator, data.totp_code), security)
    except (InvalidCode, TooManyAttempts) as refused:
        if data.part:
            raise
        context = {"resumed": resumed, "fault": refused.detail}
        return console.page(request, "step_up.html", context, status=int(refused.status))
    answer = _done(request) if data.part else console.page(request, "resume.html", {"resumed": resumed})
    answer.cookies.append(_access_cookie(console, done.access.token))
    return answer


class SignOutForm(Form):
    """Nothing but the session's mark."""


@form_at("/console/sign-out", None)
async def sign_out_by_form(
    data: JSONBody[SignOutForm],
    console: Given[Console],
    database: Given[Database],
    security: Given[Security],
    operator: Given[Operator],
) -> Redirect:
    """Of all rooms at once."""
    async with database.transaction() as session:
        await commands.end_session(session, operator, security)
    return signed_out(console)


def signed_out(console: Console, done: str = "") -> Redirect:
    """To the sign-in, without the cookies of a session that has ended, nor those of a second factor on its way."""
    answer = console.redirect(f"{SIGN_IN}?done={done}" if done else SIGN_IN)
    answer.delete_cookie(ACCESS_COOKIE, path="/")
    answer.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH)
    answer.delete_cookie(ENROLMENT_COOKIE, path=ENROL)
    return answer


def _sign_in_page(
    request: Request[Any, Any, Any],
    console: Console,
    next_url: str,
    *,
    email: str = "",
    refused: Refusal | None = None,
    finished: str = "",
) -> Response[str]:
    fault = refused.detail if refused else ""
    context = {"next": next_url, "email": email, "fault": fault, "finished": finished, "enrol": ENROL}
    return console.page(request, "sign_in.html", context, status=int(refused.status) if refused else 200)


def _safe(console: Console, url: str) -> str:
    """Nobody is sent anywhere else by a link to our sign-in."""
    return url if url and console.addresses.is_ours(url) else HOME


def _keep(answer: Redirect, console: Console, granted: Granted) -> None:
    answer.cookies.append(_access_cookie(console, granted.access.token))
    answer.cookies.append(cookie_of(console, REFRESH_COOKIE, granted.refresh_token, REFRESH_PATH))


def _access_cookie(console: Console, token: str) -> Cookie:
    return cookie_of(console, ACCESS_COOKIE, token, "/")


def cookie_of(console: Console, name: str, value: str, path: str) -> Cookie:
    """Until the browser closes; scripts cannot read it, and other sites' requests do not carry it."""
    is_secure = not console.settings.is_local
    return Cookie(key=name, value=value, path=path, httponly=True, samesite="lax", secure=is_secure)


ROUTES = (show_home, show_sign_in, sign_in_by_form, renew_session, step_up_by_form, sign_out_by_form)
