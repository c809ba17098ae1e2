"""Who may do what: bearer tokens verified offline, and a guard on every route that says which capability it needs."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.errors import Refusal
from chassis.http.forms import keep_fields
from chassis.http.keys import KeySource
from chassis.telemetry.context import current_request

AUDIENCE = "waybill"
ALGORITHM = "EdDSA"
LEEWAY_SECONDS = 5
LONGEST_TOKEN = 8 * 1024
LONGEST_KID = 128
MOST_VERIFIED = 1_000
"""Tokens that are known: of a thousand people at once, some 2 MB."""
ACCESS_COOKIE = "waybill_access"
"""Holds the same token as the header, for the console's pages alone: what takes JSON takes no cookie."""

Connection = ASGIConnection[Any, Any, Any, Any]


class NotSignedIn(Refusal):
    code = "not_signed_in"
    title = "Not signed in"
    status = HTTPStatus.UNAUTHORIZED


class CapabilityMissing(Refusal):
    code = "capability_missing"
    title = "A capability is missing"
    status = HTTPStatus.FORBIDDEN


class StepUpRequired(Refusal):
    code = "step_up_required"
    title = "A fresh second factor is required"
    status = HTTPStatus.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Operator:
    """The person who asks, as the token says. `second_factor_at` is on the machine's clock.

    `csrf` is what a page's form has to carry; nobody but the session's own pages knows it.
    """

    id: UUID
    name: str
    session_id: UUID
    capabilities: frozenset[str]
    second_factor_at: datetime
    csrf: str = ""

    def can(self, capability: str) -> bool:
        return capability in self.capabilities


class _Claims(BaseModel):
    """`iss`, `aud`, `iat` and `exp` are PyJWT's to verify."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    sub: UUID
    sid: UUID
    jti: str = Field(min_length=1)
    name: str
    roles: list[str]
    capabilities: list[str]
    mfa_at: int = Field(ge=0, le=253_402_300_799, strict=True)
    csrf: str = ""

    def operator(self) -> Operator:
        return Operator(
            id=self.sub,
            name=self.name,
            session_id=self.sid,
            capabilities=frozenset(self.capabilities),
            second_factor_at=datetime.fromtimestamp(self.mfa_at, UTC),
            csrf=self.csrf,
        )


def _machine_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a token said when its signature was checked, by the key that it was checked with."""

    kid: str
    key: Ed25519PublicKey
    expires_at: int
    operator: Operator


class Authenticator:
    """Turns a request's credential into an Operator. Runs on the machine's clock, never on the business clock."""

    def __init__(
        self,
        keys: KeySource,
        *,
        issuer: str,
        step_up_seconds: int,
        now: Callable[[], datetime] = _machine_now,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._step_up = timedelta(seconds=step_up_seconds)
        self._now = now
        self._verified: dict[str, _Verified] = {}

    async def authenticate(self, connection: Connection, *, by_cookie: bool = False) -> Operator:
        """Raises NotSignedIn; says why, but never what the token held."""
        token = connection.cookies.get(ACCESS_COOKIE) if by_cookie else token_of(connection)
        if token is None:
            raise NotSignedIn("send a bearer token")
        return await self.verify(token)

    async def verify(self, token: str) -> Operator:
        """A page and its parts come with one token, whose signature is checked once while its key is the same."""
        known = self._verified.get(token)
        if known is not None and known.key is await self._keys.key(known.kid) and not _has_expired(known):
            return known.operator
        kid = _kid_of(token)
        key = await self._keys.key(kid)
        if key is None:
            raise NotSignedIn("the token is signed by no key of ours")
        claims = self._decoded(token, key)
        operator = _operator_of(claims)
        if len(self._verified) >= MOST_VERIFIED:
            self._verified.clear()
        self._verified[token] = _Verified(kid, key, int(claims["exp"]), operator)
        return operator

    def _decoded(self, token: str, key: Ed25519PublicKey) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "aud", "sub", "sid", "jti", "iat", "exp"], "strict_aud": True},
            )
        except jwt.ExpiredSignatureError:
            raise NotSignedIn("the token has expired") from None
        except jwt.InvalidTokenError:
            raise NotSignedIn("the token is not valid") from None

    def has_fresh_second_factor(self, operator: Operator) -> bool:
        age = self._now() - operator.second_factor_at
        return -timedelta(seconds=LEEWAY_SECONDS) <= age <= self._step_up


def _operator_of(claims: dict[str, Any]) -> Operator:
    try:
        return _Claims.model_validate(claims).operator()
    except ValidationError:
        raise NotSignedIn("the token is not valid") from None


def _has_expired(known: _Verified) -> bool:
    """As PyJWT says it."""
    return known.expires_at <= time.time() - LEEWAY_SECONDS


def token_of(connection: Connection) -> str | None:
    """The credential that a request carries."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or len(token) > LONGEST_TOKEN:
        return None
    return token.strip()


def _kid_of(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError):
        raise NotSignedIn("the token is not a JWT") from None
    kid = header.get("kid")
    if header.get("alg") != ALGORITHM or not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_KID:
        raise NotSignedIn("the token is not an EdDSA JWT with a key id")
    return kid


@dataclass(frozen=True, slots=True)
class Requirement:
    """The guard of a route that an operator calls; `capability` is None where being signed in is enough.

    A page takes the session's cookie, and its forms carry the session's `csrf`.
    """

    capability: str | None
    step_up: bool
    is_page: bool = False

    async def __call__(self, connection: Connection, _handler: BaseRouteHandler) -> None:
        authenticator: Authenticator = connection.app.state.authenticator
        try:
            operator = await authenticator.authenticate(connection, by_cookie=self.is_page)
        except NotSignedIn:
            # What somebody wrote while the session ended is shown to them again.
            if self.is_page and isinstance(connection, Request) and connection.method == "POST":
                with suppress(Refusal):
                    await keep_fields(connection)
            raise
        _remember(connection, operator)
        if self.capability is not None and not operator.can(self.capability):
            raise CapabilityMissing(f"this needs the capability {self.capability}", capability=self.capability)
        # What a page posted is read first, so that it can go on after the second factor.
        if not self.is_page:
            self.refuse_stale(authenticator, operator)

    def refuse_stale(self, authenticator: Authenticator, operator: Operator) -> None:
        if self.step_up and not authenticator.has_fresh_second_factor(operator):
            raise StepUpRequired("sign in with your second factor again, then repeat the request")


@dataclass(frozen=True, slots=True)
class Public:
    """The mark of a route without an operator: open to all, or authenticated by its handler in another way."""

    reason: str
    is_page: bool = False

    async def __call__(self, _connection: Connection, _handler: BaseRouteHandler) -> None:
        """Lets everyone in: `reason` says why that is right."""


def requires(capability: str, *, step_up: bool = False) -> Requirement:
    """The route's guard; `step_up` where it moves money: the second factor must be fresh."""
    return Requirement(capability, step_up)


def signed_in(*, step_up: bool = False) -> Requirement:
    """The guard of a route that is about the caller alone, such as ending one's own session."""
    return Requirement(None, step_up)


def page_for(capability: str | None, *, step_up: bool = False) -> Requirement:
    """The guard of a page of the console, and of what its forms post; None where being signed in is enough."""
    return Requirement(capability, step_up, is_page=True)


def public(reason: str) -> Public:
    """Marks a route as public; `reason` is read by the test that walks all routes: "authenticated by …", or why not."""
    if not reason.strip():
        raise ValueError("a public route says why it is public")
    return Public(reason)


def public_page(reason: str) -> Public:
    """Marks a page of the console that shows itself to whoever is not signed in."""
    return Public(reason, is_page=True)


def _remember(connection: Connection, operator: Operator) -> None:
    connection.scope["user"] = operator
    request = current_request()
    if request is not None:
        request.operator_id = str(operator.id)


async def provide_operator(request: Request[Any, Any, Any]) -> Operator:
    """The `operator` dependency; the guard has put it there. A public route has none."""
    operator = request.scope.get("user")
    if not isinstance(operator, Operator):
        raise NotSignedIn("send a bearer token")
    return operator
