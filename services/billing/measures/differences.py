"""In what our books and Stripe's differ, since when, and when they were last compared."""

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.service import Measure
from services.billing.domain.reconciliation import DifferenceKind
from services.billing.queries import differences, reconciliations

DIFFERENCES = Gauge("waybill_stripe_differences_open", "Differences from Stripe that nobody has accepted", ["kind"])
DIFFERENCES_AGE_SECONDS = Gauge(
    "waybill_stripe_differences_oldest_age_seconds", "How long the first of a kind is open, 0 when none is", ["kind"]
)
COMPARED = Gauge("waybill_stripe_compared_timestamp_seconds", "When the books were last compared with Stripe's")


def measure_differences(clock: Clock) -> Measure:
    async def measure(session: AsyncSession) -> None:
        found = {each.kind: each for each in await differences.open_counts(session)}
        now = clock.now()
        for kind in DifferenceKind:
            each = found.get(kind)
            DIFFERENCES.labels(kind).set(each.count if each else 0)
            DIFFERENCES_AGE_SECONDS.labels(kind).set((now - each.oldest_at).total_seconds() if each else 0)
        run = await reconciliations.last_finished(session)
        COMPARED.set(run.finished_at.timestamp() if run and run.finished_at else 0)

    return measure
