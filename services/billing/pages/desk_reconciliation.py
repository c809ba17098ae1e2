"""What reconciliation tells the pages that span all services: differences that are open, and a review that is due."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Card, Figure, Waiting
from chassis.console.wording import counted, money
from contracts.identity import Capability
from services.billing.domain.reconciliation import LATE_AFTER, RunMode
from services.billing.pages.differences import OPEN, ROOM, STRIPE
from services.billing.queries import differences, journal, reconciliations

READ = Capability.READ_OPS


async def _open(session: AsyncSession, _now: datetime) -> Backlog:
    counts = await differences.open_counts(session)
    return Backlog(sum(each.count for each in counts), min((each.oldest_at for each in counts), default=None))


async def _due(session: AsyncSession, now: datetime) -> Backlog:
    """A review is due once something was compared; where nothing ever was, there is nothing to review."""
    run, cadence = await reconciliations.last_finished(session), await reconciliations.cadence(session)
    if run is None or not cadence.is_overdue(now):
        return Backlog(0)
    return Backlog(1, cadence.due_at or run.finished_at)


async def _tie(session: AsyncSession, _now: datetime) -> Figure:
    asked = await reconciliations.last_finished(session, RunMode.ASKED)
    ours = await journal.clearing_cents(session)
    told = money(ours) if ours else "Nothing"
    if asked is None or asked.theirs_balance_cents is None:
        return Figure(told, "Stripe's balance was not asked")
    off = ours - asked.theirs_balance_cents
    return Figure(told, f"Off Stripe's by {money(off)}" if off else "As Stripe said last")


DIFFERENCES = Waiting(
    ROOM,
    READ,
    lambda number: f"{counted(number, 'difference', 'differences')} from Stripe to settle",
    OPEN,
    _open,
    LATE_AFTER,
)
REVIEW = Waiting(ROOM, READ, lambda _number: "A review of the comparison with Stripe is due", STRIPE, _due)
CLEARING = Card("At Stripe, by our books", READ, STRIPE, _tie)
