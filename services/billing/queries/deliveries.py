"""What the delivery ledger and its queue hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.models import DeliveryEvent, HeldDelivery


async def known_assignments(session: AsyncSession, assignment_ids: Sequence[UUID]) -> set[UUID]:
    """Those that are in the ledger or in the queue, waiting or released."""
    recorded = select(DeliveryEvent.assignment_id).where(DeliveryEvent.assignment_id.in_(assignment_ids))
    held = select(HeldDelivery.assignment_id).where(HeldDelivery.assignment_id.in_(assignment_ids))
    return set(await session.scalars(recorded.union(held)))


async def lock_held(session: AsyncSession, installer_id: UUID) -> list[UUID]:
    """The assignments of an installer that wait for a price."""
    query = (
        select(HeldDelivery.assignment_id)
        .where(HeldDelivery.installer_id == installer_id, HeldDelivery.released_at.is_(None))
        .order_by(HeldDelivery.assignment_id)
        .with_for_update()
    )
    return list(await session.scalars(query))


@dataclass(frozen=True, slots=True)
class HeldQueue:
    """Deliveries that wait for a price; `oldest_at` is when the first of them was held."""

    count: int
    oldest_at: datetime | None


async def held_queue(session: AsyncSession) -> HeldQueue:
    query = select(func.count(), func.min(HeldDelivery.held_at)).where(HeldDelivery.released_at.is_(None))
    return HeldQueue(*(await session.execute(query)).one())
