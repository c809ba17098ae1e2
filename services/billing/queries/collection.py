"""How well what is issued is collected: what is owed beside what was issued, and how long it took to be paid."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

SPAN = timedelta(days=90)
"""Over which collection is looked at."""


@dataclass(frozen=True, slots=True)
class Collection:
    """`issued_cents` in the span, with GST; of the invoices paid in it the days from their issue, on average."""

    owed_cents: int
    overdue_cents: int
    overdue_count: int
    issued_cents: int
    days_to_pay: float | None


_COLLECTION = text(
    """
    SELECT coalesce(sum(balance_cents), 0)::bigint AS owed_cents,
           coalesce(sum(balance_cents) FILTER (WHERE due_at < :today), 0)::bigint AS overdue_cents,
           count(*) FILTER (WHERE due_at < :today) AS overdue_count,
           (SELECT coalesce(sum(total_cents), 0)::bigint FROM invoices
            WHERE coalesce(issued_at, created_at) >= :since AND document_status = 'issued') AS issued_cents,
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
        row.issued_cents,
        None if row.days_to_pay is None else float(row.days_to_pay),
    )
