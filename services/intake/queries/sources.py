"""Sources and their keys."""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.intake.domain import PresentedKey, SourceMode
from services.intake.errors import (
    KeyExpired,
    KeyRevoked,
    SourceNotFound,
    SourceRevoked,
    SourceUnknown,
)
from services.intake.models import Lead, LeadSource, LeadSourceKey


@dataclass(frozen=True, slots=True)
class LiveKey:
    """A key that worked when it was looked up, whose it is, and what its source may do."""

    key: PresentedKey
    source_id: UUID
    mode: SourceMode
    rate_per_minute: int | None
    last_used_at: datetime | None


async def live_key(session: AsyncSession, key: PresentedKey) -> LiveKey:
    """One lookup by the prefix. Expiry goes by the server's clock, as all security."""
    expired = func.coalesce(LeadSourceKey.expires_at <= func.now(), False).label("is_expired")
    found = await session.execute(
        select(
            LeadSource.id,
            LeadSource.mode,
            LeadSource.rate_per_minute,
            LeadSourceKey.last_used_at,
            LeadSourceKey.key_sha256,
            LeadSource.revoked_at.is_not(None).label("is_source_revoked"),
            LeadSourceKey.revoked_at.is_not(None).label("is_revoked"),
            expired,
        )
        .join(LeadSource, LeadSource.id == LeadSourceKey.source_id)
        .where(LeadSourceKey.prefix == key.prefix)
    )
    row = found.one_or_none()
    if row is None or not hmac.compare_digest(row.key_sha256, key.digest):
        raise SourceUnknown("this is no API key of a lead source")
    if row.is_source_revoked:
        raise SourceRevoked("this lead source was revoked")
    if row.is_revoked:
        raise KeyRevoked("this API key was revoked")
    if row.is_expired:
        raise KeyExpired("this API key was rotated and has run out")
    return LiveKey(key, row.id, row.mode, row.rate_per_minute, row.last_used_at)


async def source(session: AsyncSession, source_id: UUID, *, for_update: bool = False) -> LeadSource:
    return SourceNotFound.unless(
        await session.get(LeadSource, source_id, with_for_update=for_update or None),
        "no such lead source",
        source_id=source_id,
    )


async def keys_for_update(session: AsyncSession, source_id: UUID) -> dict[str, LeadSourceKey]:
    """By prefix. Locked so that a lead that comes with one of them waits, or reads it as it was left: a change without
    this lock would be passed by.
    """
    query = select(LeadSourceKey).where(LeadSourceKey.source_id == source_id).order_by(LeadSourceKey.prefix)
    return {key.prefix: key for key in await session.scalars(query.with_for_update())}


async def working_keys(session: AsyncSession, source_id: UUID) -> Sequence[LeadSourceKey]:
    """Those that open anything, by the server's clock; what ends first comes first."""
    query = (
        select(LeadSourceKey)
        .join(LeadSource, LeadSource.id == LeadSourceKey.source_id)
        .where(LeadSource.id == source_id, LeadSource.revoked_at.is_(None), LeadSourceKey.revoked_at.is_(None))
        .where(or_(LeadSourceKey.expires_at.is_(None), LeadSourceKey.expires_at > func.now()))
        .order_by(LeadSourceKey.expires_at.nulls_last(), LeadSourceKey.prefix)
    )
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def list_sources(session: AsyncSession, page: PageRequest) -> Sequence[LeadSource]:
    query = page.apply(select(LeadSource), LeadSource.created_at, LeadSource.id)
    return (await session.scalars(query)).all()


async def keys_of(session: AsyncSession, source_ids: Iterable[UUID]) -> dict[UUID, list[LeadSourceKey]]:
    """The keys of each source, oldest first."""
    keys: dict[UUID, list[LeadSourceKey]] = {}
    query = select(LeadSourceKey).where(LeadSourceKey.source_id.in_(list(source_ids)))
    for key in await session.scalars(
        query.order_by(LeadSourceKey.created_at, LeadSourceKey.expires_at, LeadSourceKey.prefix)
    ):
        keys.setdefault(key.source_id, []).append(key)
    return keys


@dataclass(frozen=True, slots=True)
class SourceUse:
    """`leads` are those since the instant that was asked for."""

    leads: int
    last_lead_at: datetime | None


async def use_of(session: AsyncSession, source_id: UUID, since: datetime) -> SourceUse:
    of_source = Lead.source_id == source_id
    leads = select(func.count()).where(of_source, Lead.received_at >= since).scalar_subquery()
    last = select(func.max(Lead.received_at)).where(of_source).scalar_subquery()
    row = (await session.execute(select(leads, last))).one()
    return SourceUse(*row)


async def source_name(session: AsyncSession, source_id: UUID) -> str | None:
    return await session.scalar(select(LeadSource.name).where(LeadSource.id == source_id))
