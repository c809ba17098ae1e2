"""What waits at intake's door, for Prometheus."""

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.service import Measure
from services.intake import queries

UNSCREENED = Gauge("waybill_leads_unscreened", "Leads that came in and were not screened yet")
UNSCREENED_AGE_SECONDS = Gauge(
    "waybill_leads_unscreened_oldest_age_seconds", "How long the first of them has waited, 0 when none does"
)
FAILED = Gauge("waybill_leads_screening_failed", "Leads whose screening failed and is tried again")


def measure_screening(clock: Clock) -> Measure:
    async def measure(session: AsyncSession) -> None:
        found = await queries.unscreened(session)
        UNSCREENED.set(found.number)
        UNSCREENED_AGE_SECONDS.set((clock.now() - found.oldest).total_seconds() if found.oldest else 0)
        FAILED.set(found.failed)

    return measure
