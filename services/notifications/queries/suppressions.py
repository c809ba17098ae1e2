"""The suppression list."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

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
