"""Experts' pay that has not arrived, for Prometheus."""

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.service import Measure
from services.payouts.domain import PayoutState
from services.payouts.queries.attempts import OPEN_OUTCOMES, open_attempts
from services.payouts.queries.payouts import unsettled_payouts

PAYOUTS = Gauge("waybill_payouts", "Payouts that are not settled", ["state"])
PAYOUTS_CENTS = Gauge("waybill_payouts_cents", "What they come to", ["state"])
ATTEMPTS_OPEN = Gauge("waybill_payout_attempts_open", "Calls to Stripe whose outcome is not known", ["outcome"])
ATTEMPTS_AGE_SECONDS = Gauge(
    "waybill_payout_attempts_oldest_age_seconds", "How long the first of them has been open, 0 when none is"
)

UNSETTLED = tuple(state for state in PayoutState if not state.was_sent)


def measure_payouts(clock: Clock) -> Measure:
    async def measure(session: AsyncSession) -> None:
        sums = await unsettled_payouts(session, UNSETTLED)
        attempts = await open_attempts(session)
        for state in UNSETTLED:
            count, cents = sums.get(state, (0, 0))
            PAYOUTS.labels(state).set(count)
            PAYOUTS_CENTS.labels(state).set(cents)
        for outcome in OPEN_OUTCOMES:
            ATTEMPTS_OPEN.labels(outcome).set(attempts[outcome][0] if outcome in attempts else 0)
        now = clock.now()
        ages = [(now - oldest_at).total_seconds() for _, oldest_at in attempts.values()]
        ATTEMPTS_AGE_SECONDS.set(max(ages, default=0))

    return measure
