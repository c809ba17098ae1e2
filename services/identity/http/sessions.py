"""Sessions over HTTP."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, delete, get, post
from litestar.params import JSONBody
from pydantic import BaseModel, Field

from chassis.database import Database
from chassis.http import Given, Operator, public, signed_in
from chassis.http.caching import NO_STORE
from services.identity import queries
from services.identity.commands import sessions as commands
from services.identity.commands.access import live_session
from services.identity.commands.sessions import Granted, SignIn, SteppedUp, StepUp
from services.identity.errors import InvalidRefreshToken, SessionEnded
from services.identity.http.shapes import IN_BODY, Code, Password, SecretBody, SignedInOperator, Token
from services.identity.security import Security


class SignInBody(SecretBody):
    email: Annotated[str, Field(min_length=1, max_length=320)]
    password: Password
    totp_code: Code


class RefreshBody(SecretBody):
    refresh_token: Token


class StepUpBody(SecretBody):
    totp_code: Code


class AccessView(BaseModel):
    """`mfa_at` is the last second factor: what needs step-up asks that it be fresh."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  # the scheme's name
    expires_at: datetime
    session_id: UUID
    operator: SignedInOperator
    mfa_at: datetime

    @classmethod
    def of(cls, done: SteppedUp) -> "AccessView":
        return cls(**_shown(done))


class SessionView(AccessView):
    """`refresh_token` is good for one use; presented a second time it ends the session."""

    refresh_token: str

    @classmethod
    def of_granted(cls, done: Granted) -> "SessionView":
        return cls(**_shown(done), refresh_token=done.refresh_token)


class CurrentSession(BaseModel):
    session_id: UUID
    operator: SignedInOperator
    started_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    mfa_at: datetime


def _shown(done: Granted | SteppedUp) -> dict[str, Any]:
    return {
        "access_token": done.access.token,
        "expires_at": done.access.expires_at,
        "session_id": done.session.id,
        "operator": SignedInOperator.of(done.operator),
        "mfa_at": done.session.mfa_at,
    }


@post(
    "/sessions",
    guards=[public("authenticated by e-mail, password and one-time code")],
    security=IN_BODY,
    response_headers=NO_STORE,
)
async def sign_in(
    data: JSONBody[SignInBody], request: Request[Any, Any, Any], database: Given[Database], security: Given[Security]
) -> SessionView:
    """Opens a session. One answer, in the same time, for whatever of the three is wrong."""
    command = SignIn(
        email=data.email,
        password=data.password.get_secret_value(),
        totp_code=data.totp_code,
        address=request.client.host if request.client else "",
    )
    return SessionView.of_granted(await commands.sign_in(database, command, security))


@post(
    "/sessions/refresh",
    guards=[public("authenticated by the refresh token")],
    security=IN_BODY,
    status_code=200,
    response_headers=NO_STORE,
)
async def refresh_session(
    data: JSONBody[RefreshBody], database: Given[Database], security: Given[Security]
) -> SessionView:
    """A new access token and the next refresh token; the second factor stays as old as it is."""
    async with database.transaction() as session:
        renewal = await commands.refresh_session(session, data.refresh_token.get_secret_value(), security)
    # A reuse revokes the session: that is committed before it is refused.
    if renewal.granted is None:
        raise InvalidRefreshToken()
    return SessionView.of_granted(renewal.granted)


@post("/sessions/step-up", guards=[signed_in()], status_code=200, response_headers=NO_STORE)
async def step_up(
    data: JSONBody[StepUpBody], database: Given[Database], security: Given[Security], operator: Given[Operator]
) -> AccessView:
    """A token with a fresh second factor, for what moves money or access."""
    return AccessView.of(await commands.step_up(database, StepUp(operator, data.totp_code), security))


@get("/sessions/current", guards=[signed_in()], response_headers=NO_STORE)
async def get_current_session(
    database: Given[Database], security: Given[Security], operator: Given[Operator]
) -> CurrentSession:
    async with database.reading() as session:
        row = await live_session(session, operator, security.now())
        owner = await queries.operator(session, row.operator_id)
    if owner is None:
        raise SessionEnded()
    return CurrentSession(
        session_id=row.id,
        operator=SignedInOperator.of(owner),
        started_at=row.started_at,
        expires_at=row.expires_at,
        last_seen_at=row.last_seen_at,
        mfa_at=row.mfa_at,
    )


@delete("/sessions/current", guards=[signed_in()])
async def end_current_session(database: Given[Database], security: Given[Security], operator: Given[Operator]) -> None:
    """Signs out. Tokens that were given out die within their short life."""
    async with database.transaction() as session:
        await commands.end_session(session, operator, security)


ROUTES = (sign_in, refresh_session, step_up, get_current_session, end_current_session)
