"""How what is issued is collected, now: what is owed, what of it is overdue, and how long it took to be paid."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

SPAN = timedelta(days=90)
"""Over which payments and credits are looked at."""


@dataclass(frozen=True, slots=True)
class Collection:
    """Of the invoices that were paid in the span the days from their issue, on average."""

    owed_cents: int
    overdue_cents: int
    overdue_count: int
    days_to_pay: float | None


_COLLECTION = text(
    """
    SELECT coalesce(sum(balance_cents), 0)::bigint AS owed_cents,
           coalesce(sum(balance_cents) FILTER (WHERE due_at < :today), 0)::bigint AS overdue_cents,
           count(*) FILTER (WHERE due_at < :today) AS overdue_count,
           (SELECT avg(extract(epoch FROM paid_at - issued_at)) / 86400 FROM invoices
            WHERE document_status = 'issued' AND paid_at >= :since AND balance_cents = 0) AS days_to_pay
    FROM invoices WHERE document_status = 'issued' AND balance_cents > 0
    """
)


async def collection(session: AsyncSession, now: datetime, today: datetime) -> Collection:
    """`today` is when the day of the business began: what was due before it is overdue, as the ageing has it."""
    row = (await session.execute(_COLLECTION, {"today": today, "since": now - SPAN})).one()
    return Collection(
        row.owed_cents,
        row.overdue_cents,
        row.overdue_count,
        None if row.days_to_pay is None else float(row.days_to_pay),
    )
