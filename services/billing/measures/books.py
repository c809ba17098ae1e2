"""Whether the books tie."""

from time import monotonic

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.service import Measure
from services.billing.queries import journal

BOOKS_DIFFERENCE_CENTS = Gauge(
    "waybill_books_difference_cents", "By how much the books do not tie; 0 is the certificate", ["check"]
)
BOOKS_CHECKED = Gauge("waybill_books_checked_timestamp_seconds", "When this process last compared them, by its clock")

JOURNAL = "journal"
RECEIVABLE = "receivable"


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
