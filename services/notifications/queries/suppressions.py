"""The suppression list."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.notifications.models import Suppression


async def suppressed_hashes(session: AsyncSession, hashes: Collection[str], now: datetime) -> set[str]:
    """Those of the addresses that get no mail now."""
    if not hashes:
        return set()
    found = await session.scalars(
        select(Suppression.address_hash).where(
            Suppression.address_hash.in_(set(hashes)), Suppression.lifted_at.is_(None), Suppression.expires_at > now
        )
    )
    return set(found)


async def list_suppressions(
    session: AsyncSession, page: PageRequest, now: datetime, *, address_hash: str | None, standing: bool | None
) -> Sequence[Suppression]:
    """`standing` True are those in force, False those that were lifted or have expired, None both."""
    in_force = Suppression.lifted_at.is_(None) & (Suppression.expires_at > now)
    statement = select(Suppression)
    if address_hash is not None:
        statement = statement.where(Suppression.address_hash == address_hash)
    if standing is not None:
        statement = statement.where(in_force if standing else ~in_force)
    return list(await session.scalars(page.apply(statement, Suppression.created_at, Suppression.id)))
