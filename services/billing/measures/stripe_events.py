"""Which questions to Stripe are not settled, and since when."""

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.service import Measure
from services.billing.domain.statuses import StripeEventState
from services.billing.queries import stripe_events

STRIPE_EVENTS = Gauge("waybill_stripe_events_waiting", "Questions to Stripe that are not settled", ["state"])
STRIPE_EVENTS_AGE_SECONDS = Gauge(
    "waybill_stripe_events_oldest_age_seconds", "How long the first of a state has waited, 0 when none does", ["state"]
)

WAITING = (StripeEventState.PENDING, StripeEventState.UNMATCHED, StripeEventState.HELD, StripeEventState.UNASKED)


def measure_stripe_events(clock: Clock) -> Measure:
    async def measure(session: AsyncSession) -> None:
        events = await stripe_events.waiting(session, WAITING)
        now = clock.now()
        for state in WAITING:
            count, oldest_at = events.get(state, (0, now))
            STRIPE_EVENTS.labels(state).set(count)
            STRIPE_EVENTS_AGE_SECONDS.labels(state).set((now - oldest_at).total_seconds())

    return measure
