"""The exception queue."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.errors import NoSuchException
from services.routing.models import DispatchException
from services.routing.queries.arrays import among


async def get(session: AsyncSession, exception_id: UUID) -> DispatchException:
    item = await session.get(DispatchException, exception_id, populate_existing=True)
    if item is None:
        raise NoSuchException("no such item", exception_id=exception_id)
    return item


async def open_items(session: AsyncSession, lead_ids: Collection[UUID]) -> Sequence[DispatchException]:
    """Of any of the leads; at the most one per lead and reason."""
    found = await session.scalars(
        select(DispatchException)
        .where(among(DispatchException.lead_id, lead_ids), DispatchException.resolved_at.is_(None))
        .order_by(DispatchException.raised_at, DispatchException.id)
    )
    return found.all()


async def of_lead(session: AsyncSession, lead_id: UUID) -> Sequence[DispatchException]:
    found = await session.scalars(
        select(DispatchException)
        .where(DispatchException.lead_id == lead_id)
        .order_by(DispatchException.raised_at, DispatchException.id)
    )
    return found.all()
