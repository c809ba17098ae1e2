"""Whether the books tie, and what waits for a price or for Stripe, for Prometheus."""

from time import monotonic

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.service import Measure
from services.billing.domain.statuses import StripeEventState
from services.billing.queries import deliveries, journal, stripe_events

BOOKS_DIFFERENCE_CENTS = Gauge(
    "waybill_books_difference_cents", "By how much the books do not tie; 0 is the certificate", ["check"]
)
BOOKS_CHECKED = Gauge("waybill_books_checked_timestamp_seconds", "When this process last compared them, by its clock")
DELIVERIES_HELD = Gauge("waybill_deliveries_held", "Deliveries that no price plan covers")
DELIVERIES_AGE_SECONDS = Gauge(
    "waybill_deliveries_held_oldest_age_seconds", "How long the first of them has waited, 0 when none does"
)
STRIPE_EVENTS = Gauge("waybill_stripe_events_waiting", "Questions to Stripe that are not settled", ["state"])
STRIPE_EVENTS_AGE_SECONDS = Gauge(
    "waybill_stripe_events_oldest_age_seconds", "How long the first of a state has waited, 0 when none does", ["state"]
)

JOURNAL = "journal"
RECEIVABLE = "receivable"
WAITING = (StripeEventState.PENDING, StripeEventState.UNMATCHED, StripeEventState.HELD)


def measure_books(every_seconds: float) -> Measure:
    """The whole journal is summed, so that it is done less often than asked for; at the start first of all."""
    due_at = 0.0

    async def measure(session: AsyncSession) -> None:
        nonlocal due_at
        if monotonic() < due_at:
            return
        balances = await journal.trial_balance(session)
        control = await journal.receivable_control(session)
        BOOKS_DIFFERENCE_CENTS.labels(JOURNAL).set(sum(account.balance_cents for account in balances))
        BOOKS_DIFFERENCE_CENTS.labels(RECEIVABLE).set(control.ledger_cents - control.invoices_cents)
        BOOKS_CHECKED.set_to_current_time()
        due_at = monotonic() + every_seconds

    return measure


def measure_queues(clock: Clock) -> Measure:
    async def measure(session: AsyncSession) -> None:
        held = await deliveries.held_queue(session)
        events = await stripe_events.waiting(session, WAITING)
        now = clock.now()
        DELIVERIES_HELD.set(held.count)
        DELIVERIES_AGE_SECONDS.set((now - held.oldest_at).total_seconds() if held.oldest_at else 0)
        for state in WAITING:
            count, oldest_at = events.get(state, (0, now))
            STRIPE_EVENTS.labels(state).set(count)
            STRIPE_EVENTS_AGE_SECONDS.labels(state).set((now - oldest_at).total_seconds())

    return measure
