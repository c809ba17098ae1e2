"""The tokens that identity signs (EdDSA JWT) and everyone verifies offline by its JWKS, and the events it publishes."""

from enum import StrEnum
from typing import ClassVar, TypedDict
from uuid import UUID

from contracts import topics
from contracts.envelope import Event
from contracts.values import Word

AUDIENCE = "waybill"


class Capability(StrEnum):
    READ_OPS = "read_ops"
    WRITE_ROUTING = "write_routing"
    MANAGE_BILLING_OPS = "manage_billing_ops"
    MANAGE_ADMIN_ACCESS = "manage_admin_access"


class Role(StrEnum):
    """A bundle of capabilities; only capabilities are ever checked."""

    SUPER_ADMIN = "super_admin"
    ADMIN = "admin"
    EDITOR = "editor"

    @property
    def capabilities(self) -> frozenset[Capability]:
        return BUNDLES[self]


BUNDLES: dict[Role, frozenset[Capability]] = {
    Role.SUPER_ADMIN: frozenset(Capability),
    Role.ADMIN: frozenset({Capability.READ_OPS, Capability.WRITE_ROUTING, Capability.MANAGE_BILLING_OPS}),
    Role.EDITOR: frozenset({Capability.READ_OPS, Capability.WRITE_ROUTING}),
}


class TokenClaims(TypedDict):
    """`mfa_at` is the last second factor; all times are epoch seconds of the machine's clock.

    `csrf` is the same for all tokens of a session: what its pages' forms carry.
    """

    iss: str
    aud: str
    sub: str
    sid: str
    jti: str
    name: str
    roles: list[str]
    capabilities: list[str]
    mfa_at: int
    csrf: str
    iat: int
    exp: int


class OperatorChanged(Event):
    """Full state of an operator. Who is not active signs in no more and is given nothing."""

    type: ClassVar[str] = "operator.changed"
    topic: ClassVar[topics.Topic] = topics.OPERATORS

    operator_id: UUID
    name: str
    email: str
    capabilities: tuple[Word, ...]
    is_active: bool
