"""What several routes take and tell: secrets, codes, and operators."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from chassis.http import Body
from contracts.identity import Capability, Role
from services.identity.domain import OperatorStatus
from services.identity.models import Operator

Password = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
Token = Annotated[SecretStr, Field(min_length=1, max_length=256)]
Code = Annotated[str, Field(pattern="^[0-9]{6}$", description="of the authenticator app; good for one use")]

IN_BODY: list[dict[str, list[str]]] = [{}]
"""The `security` of a public route whose body holds the credential: no header is asked for, 401 is documented."""


class SecretBody(Body):
    """A space at the end of a password is a part of it."""

    model_config = ConfigDict(str_strip_whitespace=False)


class SignedInOperator(BaseModel):
    id: UUID
    email: str
    name: str
    role: Role
    capabilities: list[Capability]

    @classmethod
    def of(cls, row: Operator) -> "SignedInOperator":
        return cls(id=row.id, email=row.email, name=row.name, role=row.role, capabilities=capabilities_of(row))


class OperatorView(BaseModel):
    id: UUID
    email: str
    name: str
    role: Role
    capabilities: list[Capability]
    status: OperatorStatus
    created_at: datetime
    disabled_at: datetime | None
    password_changed_at: datetime | None
    second_factor_enrolled_at: datetime | None

    @classmethod
    def of(cls, row: Operator) -> "OperatorView":
        return cls(
            id=row.id,
            email=row.email,
            name=row.name,
            role=row.role,
            capabilities=capabilities_of(row),
            status=row.status,
            created_at=row.created_at,
            disabled_at=row.disabled_at,
            password_changed_at=row.password_changed_at,
            second_factor_enrolled_at=row.totp_enrolled_at,
        )


def capabilities_of(row: Operator) -> list[Capability]:
    """In the order in which the contract names them."""
    held = row.role.capabilities
    return [capability for capability in Capability if capability in held]
