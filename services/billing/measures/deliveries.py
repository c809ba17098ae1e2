"""Which deliveries wait for a price, and since when."""

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.service import Measure
from services.billing.queries import deliveries

DELIVERIES_HELD = Gauge("waybill_deliveries_held", "Deliveries that no price plan covers")
DELIVERIES_AGE_SECONDS = Gauge(
    "waybill_deliveries_held_oldest_age_seconds", "How long the first of them has waited, 0 when none does"
)


def measure_held(clock: Clock) -> Measure:
    async def measure(session: AsyncSession) -> None:
        held = await deliveries.held_queue(session)
        DELIVERIES_HELD.set(held.count)
        DELIVERIES_AGE_SECONDS.set((clock.now() - held.oldest_at).total_seconds() if held.oldest_at else 0)

    return measure
