"""Mails about corrected leads, once the installer has the lead no more."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.commands.messages import cancel
from services.notifications.queries.messages import lock_uncancelled_corrections


async def stop_corrections(session: AsyncSession, assignment_ids: Collection[UUID], now: datetime) -> None:
    """They would tell of a person whose lead is somebody else's by now."""
    for message in await lock_uncancelled_corrections(session, assignment_ids):
        cancel(message, "cancelled", now)
    await session.flush()
