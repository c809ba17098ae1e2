"""What Stripe says that it holds for us, as the last comparison found it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.certificate import COMPARED_WITHIN
from services.billing.domain.reconciliation import RunMode
from services.billing.queries import reconciliations


@dataclass(frozen=True, slots=True)
class ComparedBalance:
    """Stripe clearing as the journal had it at the instant of the comparison, and Stripe's own balance then."""

    ledger_cents: int
    stripe_cents: int


async def last_compared(session: AsyncSession, as_of: datetime) -> ComparedBalance | None:
    """None where nobody has asked Stripe: typed-in references leave nothing of its balance to compare with.

    Nor does one count that began more than a day before: what it found says nothing of today.
    """
    run = await reconciliations.last_finished(session, RunMode.ASKED)
    if run is None or run.ours_balance_cents is None or run.theirs_balance_cents is None:
        return None
    if run.started_at < as_of - COMPARED_WITHIN:
        return None
    return ComparedBalance(run.ours_balance_cents, run.theirs_balance_cents)
