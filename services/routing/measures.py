"""What waits for an operator of routing, for Prometheus."""

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.service import Measure
from services.routing.domain.states import ExceptionReason
from services.routing.queries.exceptions import open_by_reason

EXCEPTIONS_OPEN = Gauge("waybill_dispatch_exceptions_open", "Leads that wait for an operator", ["reason"])
EXCEPTIONS_AGE_SECONDS = Gauge(
    "waybill_dispatch_exceptions_oldest_age_seconds", "How long the first of them has waited, 0 when none does"
)


def measure_exceptions(clock: Clock) -> Measure:
    async def measure(session: AsyncSession) -> None:
        found = {waiting.reason: waiting for waiting in await open_by_reason(session, clock.now())}
        for reason in ExceptionReason:
            EXCEPTIONS_OPEN.labels(reason).set(found[reason].count if reason in found else 0)
        now = clock.now()
        ages = [(now - waiting.oldest_raised_at).total_seconds() for waiting in found.values()]
        EXCEPTIONS_AGE_SECONDS.set(max(ages, default=0))

    return measure
