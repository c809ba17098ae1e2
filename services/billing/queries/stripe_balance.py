"""What Stripe says that it holds for us, as the last reconciliation found it."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class ComparedBalance:
    """Stripe clearing as the journal had it at the instant of the comparison, and Stripe's own balance then."""

    ledger_cents: int
    stripe_cents: int


async def last_compared(session: AsyncSession) -> ComparedBalance | None:
    """None where nobody has compared them: typed-in references leave nothing of Stripe's to compare with."""
    return None
