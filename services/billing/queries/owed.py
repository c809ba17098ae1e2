"""The invoices behind an ageing: what each owed at an instant, by what had been posted before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import InvoiceKind
from services.billing.domain.ageing import Age
from services.billing.queries.standing_then import BY_INVOICE, DAY, DISPUTED_THEN, STOOD


@dataclass(frozen=True, slots=True)
class OwedFilter:
    age: Age | None = None
    account_id: UUID | None = None
    is_disputed: bool = False


@dataclass(frozen=True, slots=True)
class OwedInvoice:
    invoice_id: UUID
    number: str
    kind: InvoiceKind
    account_id: UUID
    account_name: str
    issued_at: datetime
    due_at: datetime
    days_overdue: int
    owed_cents: int
    disputed_cents: int


@dataclass(frozen=True, slots=True)
class Owed:
    """The longest overdue first; `count` and sums are of all that match."""

    invoices: Sequence[OwedInvoice]
    count: int
    owed_cents: int
    disputed_cents: int


_OWED = text(
    f"""
    WITH {DAY}, {STOOD}, {BY_INVOICE}, {DISPUTED_THEN}, dated AS (
        SELECT owed.*, least(cents, coalesce(disputed_cents, 0)) AS disputed_cents,
               day.today - (due_at AT TIME ZONE day.zone)::date AS days
        FROM day, owed LEFT JOIN disputed ON disputed.invoice_id = owed.invoice_id
    )
    SELECT d.invoice_id, i.number, i.kind, d.account_id, a.name AS account_name, d.issued_at, d.due_at,
           d.days AS days_overdue, d.cents AS owed_cents, d.disputed_cents, count(*) OVER () AS number_of_all,
           sum(d.cents) OVER ()::bigint AS owed_sum, sum(d.disputed_cents) OVER ()::bigint AS disputed_sum
    FROM dated d JOIN invoices i ON i.id = d.invoice_id JOIN accounts a ON a.id = d.account_id
    WHERE (CAST(:fewest AS integer) IS NULL OR d.days >= :fewest)
      AND (CAST(:longest AS integer) IS NULL OR d.days <= :longest)
      AND (CAST(:account_id AS uuid) IS NULL OR d.account_id = :account_id)
      AND (NOT :is_disputed OR d.disputed_cents > 0)
    ORDER BY d.days DESC, i.number, d.invoice_id LIMIT :most
    """  # noqa: S608  # of constants
)


async def owed(
    session: AsyncSession, before: datetime, at: datetime, zone: ZoneInfo, asked: OwedFilter, most: int | None
) -> Owed:
    """`before` is the instant until which postings count, `at` one of the day from which ages count."""
    fewest, longest = asked.age.days if asked.age else (None, None)
    given = {
        "before": before,
        "at": at,
        "zone": zone.key,
        "fewest": fewest,
        "longest": longest,
        "account_id": asked.account_id,
        "is_disputed": asked.is_disputed,
        "most": most,
    }
    rows = (await session.execute(_OWED, given)).all()
    if not rows:
        return Owed((), 0, 0, 0)
    names = OwedInvoice.__slots__
    found = [OwedInvoice(**{name: getattr(row, name) for name in names}) for row in rows]
    return Owed(found, rows[0].number_of_all, rows[0].owed_sum, rows[0].disputed_sum)
