"""What the last certificate of the books says, and how old it is."""

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.service import Measure
from services.billing.queries import certificates

EQUALITIES_FAILED = Gauge(
    "waybill_certificate_failed_equalities", "Equalities that do not hold by the last certificate of the books"
)
CERTIFICATE_AGE_SECONDS = Gauge(
    "waybill_certificate_age_seconds", "How long ago the books were certified by business time; none before the first"
)
NONE_YET = float("nan")


def measure_certificates(clock: Clock) -> Measure:
    async def measure(session: AsyncSession) -> None:
        last = await certificates.last(session)
        EQUALITIES_FAILED.set(last.failed_count if last else 0)
        CERTIFICATE_AGE_SECONDS.set((clock.now() - last.as_of).total_seconds() if last else NONE_YET)

    return measure
