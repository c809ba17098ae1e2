"""Who owes how much for how long, and whether it is what the books say: one statement, one snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import InvoiceKind
from services.billing.domain.ageing import Age, Aged
from services.billing.queries.standing_then import AGES, BY_INVOICE, DAY, DISPUTED_NOW, DISPUTED_THEN, STOOD


@dataclass(frozen=True, slots=True)
class AgedAccount:
    account_id: UUID
    kind: InvoiceKind
    name: str
    aged: Aged


@dataclass(frozen=True, slots=True)
class Receivables:
    """`accounts` are those that owe most, but for so many before them; `total` and `account_count` are of all.

    `ledger_cents` is the control.
    """

    accounts: Sequence[AgedAccount]
    account_count: int
    total: Aged
    ledger_cents: int
    before_count: int = 0

    @property
    def after_count(self) -> int:
        """Those that owe less than all that are here."""
        return self.account_count - self.before_count - len(self.accounts)

    @property
    def difference_cents(self) -> int:
        return self.total.total_cents - self.ledger_cents

    @property
    def ties(self) -> bool:
        return self.difference_cents == 0


# As it stands: what each invoice owes, which a constraint proves against its payments and adjustments.
_NOW = """
    owed AS (
        SELECT id AS invoice_id, account_id, due_at, balance_cents AS cents FROM invoices
        WHERE document_status = 'issued' AND balance_cents > 0
    ), credit AS (
        SELECT id AS account_id, customer_credit_cents AS cents FROM accounts WHERE customer_credit_cents > 0
    ), control AS (
        SELECT coalesce(sum(amount_cents), 0)::bigint AS cents FROM journal_entries WHERE account = 'receivable'
    )
"""

_AGED = f"""
    , dated AS (
        SELECT owed.account_id, cents, least(cents, coalesce(disputed_cents, 0)) AS disputed_cents,
               day.today - (due_at AT TIME ZONE day.zone)::date AS days
        FROM day, owed LEFT JOIN disputed ON disputed.invoice_id = owed.invoice_id
    ), by_account AS (
        SELECT account_id, {AGES}, coalesce(sum(disputed_cents), 0)::bigint AS disputed, sum(cents)::bigint AS total
        FROM dated GROUP BY account_id
    ), aged AS (
        SELECT coalesce(b.account_id, credit.account_id) AS account_id,
               coalesce(not_due, 0) AS not_due, coalesce(to_30, 0) AS to_30, coalesce(to_60, 0) AS to_60,
               coalesce(to_90, 0) AS to_90, coalesce(over_90, 0) AS over_90, coalesce(disputed, 0) AS disputed,
               coalesce(total, 0) AS total, coalesce(credit.cents, 0) AS credit
        FROM by_account b FULL JOIN credit ON credit.account_id = b.account_id
    ), shown AS (
        SELECT aged.*, kind, name, count(*) OVER () AS account_count,
               sum(not_due) OVER ()::bigint AS not_due_sum, sum(to_30) OVER ()::bigint AS to_30_sum,
               sum(to_60) OVER ()::bigint AS to_60_sum, sum(to_90) OVER ()::bigint AS to_90_sum,
               sum(over_90) OVER ()::bigint AS over_90_sum, sum(credit) OVER ()::bigint AS credit_sum,
               sum(disputed) OVER ()::bigint AS disputed_sum
        FROM aged JOIN accounts ON accounts.id = aged.account_id
    )
    SELECT control.cents AS ledger_cents, shown.*
    FROM control LEFT JOIN shown ON true
    ORDER BY total DESC, name, account_id LIMIT :most OFFSET :before_count
"""  # noqa: S608  # of constants

# Of nobody in particular: no books are added up beside it, and nothing is looked up.
_OWED_NOW = text(
    f"""
    WITH {DAY}, dated AS (
        SELECT balance_cents AS cents, day.today - (due_at AT TIME ZONE day.zone)::date AS days
        FROM day, invoices WHERE document_status = 'issued' AND balance_cents > 0
    )
    SELECT {AGES} FROM dated
    """  # noqa: S608  # of constants
)
_AGED_NOW = text(f"WITH {DAY}, {_NOW}, {DISPUTED_NOW} {_AGED}")
_AGED_THEN = text(f"WITH {DAY}, {STOOD}, {BY_INVOICE}, {DISPUTED_THEN} {_AGED}")


async def aged(
    session: AsyncSession,
    at: datetime,
    zone: ZoneInfo,
    most: int | None,
    before: datetime | None = None,
    before_count: int = 0,
) -> Receivables:
    """At an instant of a day, from which ages count; with `before`, by what had been posted until then.

    Where no account is left after so many, it is told from the first one on.
    """
    given: dict[str, object] = {"at": at, "zone": zone.key, "most": most, "before_count": before_count}
    then = {} if before is None else {"before": before}
    rows = (await session.execute(_AGED_THEN if then else _AGED_NOW, given | then)).all()
    if not rows:
        return await aged(session, at, zone, most, before)
    first = rows[0]
    if first.account_id is None:
        return Receivables((), 0, Aged([0] * len(Age)), first.ledger_cents)
    return Receivables(
        [AgedAccount(row.account_id, InvoiceKind(row.kind), row.name, _aged(row)) for row in rows],
        first.account_count,
        _aged(first, "_sum"),
        first.ledger_cents,
        before_count,
    )


async def owed_by_age(session: AsyncSession, at: datetime, zone: ZoneInfo) -> Aged:
    """What is owed now, in all: the same as `aged` has it, without credit, disputes and the control."""
    row = (await session.execute(_OWED_NOW, {"at": at, "zone": zone.key})).one()
    return Aged([getattr(row, age) for age in Age])


def _aged(row: Row[Any], suffix: str = "") -> Aged:
    owed = [getattr(row, f"{age}{suffix}") for age in Age]
    return Aged(owed, getattr(row, f"credit{suffix}"), getattr(row, f"disputed{suffix}"))
