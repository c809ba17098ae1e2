"""What the delivery ledger and its queue hold."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.models import DeliveryEvent, HeldDelivery


async def known_assignments(session: AsyncSession, assignment_ids: Sequence[UUID]) -> set[UUID]:
    """Those that are in the ledger or in the queue, waiting or released."""
    recorded = select(DeliveryEvent.assignment_id).where(DeliveryEvent.assignment_id.in_(assignment_ids))
    held = select(HeldDelivery.assignment_id).where(HeldDelivery.assignment_id.in_(assignment_ids))
    return set(await session.scalars(recorded.union(held)))
