"""Deliveries that could not be written down, and since when."""

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.queries import unrecorded

DELIVERIES_UNRECORDED = Gauge(
    "waybill_deliveries_unrecorded", "Deliveries whose events are parked: no month that they may be of can be closed"
)


async def measure_unrecorded(session: AsyncSession) -> None:
    DELIVERIES_UNRECORDED.set((await unrecorded.waiting(session)).count)
