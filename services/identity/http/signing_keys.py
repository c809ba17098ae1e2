"""The keys over HTTP: the public set that every verifier reads, and their rotation."""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from litestar import Response, get, post
from litestar.params import JSONBody
from pydantic import BaseModel, Field

from chassis.database import Database
from chassis.http import Body, Given, Operator, public, requires
from contracts.identity import Capability
from services.identity.commands import signing_keys as commands
from services.identity.commands.access import live_session
from services.identity.commands.signing_keys import RotateSigningKey
from services.identity.http.operators import Reason
from services.identity.security import Security
from services.identity.tokens import public_jwk


class RotateBody(Body):
    reason: Reason
    is_compromised: bool = Field(
        False, description="withdraw the keys of now at once; every token that they signed is refused"
    )


class Jwk(BaseModel):
    """RFC 8037: an Ed25519 key."""

    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class Jwks(BaseModel):
    keys: list[Jwk]


class SigningKeyView(BaseModel):
    """In the set since `published_at`; the key that signs from `signs_from` on."""

    kid: str
    published_at: datetime
    signs_from: datetime


class OwnKeys:
    """The chassis's KeySource here: the table itself, as a service need not ask itself over HTTP."""

    def __init__(self, database: Database, security: Security) -> None:
        self._database = database
        self._security = security

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        async with self._database.reading() as session:
            keys = await commands.published_keys(session, self._security)
        return next((Ed25519PublicKey.from_public_bytes(key.public_key) for key in keys if key.kid == kid), None)


@get("/.well-known/jwks.json", guards=[public("public keys, by which everyone verifies tokens")])
async def get_jwks(database: Given[Database], security: Given[Security]) -> Response[Jwks]:
    """The next key, the one that signs, and those whose last token may still be out."""
    async with database.reading() as session:
        keys = await commands.published_keys(session, security)
    content = Jwks(keys=[Jwk(**public_jwk(key.kid, key.public_key)) for key in keys])
    max_age = security.settings.jwks_max_age_seconds if keys else 0
    return Response(content, headers={"Cache-Control": f"public, max-age={max_age}"})


@post(
    "/admin/signing-keys/rotate",
    guards=[requires(Capability.MANAGE_ADMIN_ACCESS, step_up=True)],
    status_code=200,
)
async def rotate_signing_key(
    data: JSONBody[RotateBody], database: Given[Database], security: Given[Security], operator: Given[Operator]
) -> SigningKeyView:
    """Publishes the next key. While one waits for its time, asking again gives that one."""
    command = RotateSigningKey(data.reason, data.is_compromised)
    async with database.transaction() as session:
        await live_session(session, operator, security.now())
        key = await commands.rotate_signing_key(session, command, operator, security)
    return SigningKeyView(kid=key.kid, published_at=key.created_at, signs_from=key.signs_from)


ROUTES = (get_jwks, rotate_signing_key)
