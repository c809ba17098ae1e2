"""A lead source and its keys, as operators read them."""

from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel

from services.intake.commands.source_keys import KeyedSource
from services.intake.domain import SourceAction, SourceMode
from services.intake.models import LeadSource, LeadSourceKey


class SourceKey(BaseModel):
    """`prefix` is the part of the key that may be shown; `expires_at` is set once another has taken its place.

    `last_used_at` is up to some minutes late.
    """

    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    is_working: bool

    @classmethod
    def of(cls, key: LeadSourceKey, source: LeadSource) -> "SourceKey":
        return cls(
            prefix=key.prefix,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
            is_working=key.obstacle(source, datetime.now(UTC)) is None,
        )


class LeadSourceRow(BaseModel):
    """Without a rate of its own a source has the setting's."""

    id: UUID
    name: str
    mode: SourceMode
    rate_per_minute: int | None
    created_at: datetime
    revoked_at: datetime | None
    available_actions: list[SourceAction]
    keys: list[SourceKey]

    @classmethod
    def of(cls, source: LeadSource, keys: list[LeadSourceKey]) -> "LeadSourceRow":
        return cls(
            id=source.id,
            name=source.name,
            mode=source.mode,
            rate_per_minute=source.rate_per_minute,
            created_at=source.created_at,
            revoked_at=source.revoked_at,
            available_actions=source.available_actions,
            keys=[SourceKey.of(key, source) for key in keys],
        )


class IssuedKey(BaseModel):
    """`api_key` is shown here and never again: only its hash is kept."""

    id: UUID
    name: str
    api_key: str

    @classmethod
    def of(cls, keyed: KeyedSource) -> "IssuedKey":
        return cls(id=keyed.source.id, name=keyed.source.name, api_key=keyed.api_key)
