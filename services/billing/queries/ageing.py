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


@dataclass(frozen=True, slots=True)
class AgedAccount:
    account_id: UUID
    kind: InvoiceKind
    name: str
    aged: Aged


@dataclass(frozen=True, slots=True)
class Receivables:
    """`accounts` are those that owe most; `total` and `account_count` are of all. `ledger_cents` is the control."""

    accounts: Sequence[AgedAccount]
    account_count: int
    total: Aged
    ledger_cents: int

    @property
    def ties(self) -> bool:
        return self.total.total_cents == self.ledger_cents


# As it stands: what each invoice owes, which a constraint proves against its payments and adjustments.
_NOW = """
    owed AS (
        SELECT account_id, due_at, balance_cents AS cents FROM invoices
        WHERE document_status = 'issued' AND balance_cents > 0
    ), credit AS (
        SELECT id AS account_id, customer_credit_cents AS cents FROM accounts WHERE customer_credit_cents > 0
    ), control AS (
        SELECT coalesce(sum(amount_cents), 0)::bigint AS cents FROM journal_entries WHERE account = 'receivable'
    )
"""

# As the books stood: of each invoice what had been posted by then. Due days never change after the issue.
_BEFORE = """
    posted AS (
        SELECT e.account, e.amount_cents, p.invoice_id, p.party_id
        FROM journal_postings p JOIN journal_entries e ON e.posting_id = p.id
        WHERE e.account IN ('receivable', 'customer_credit') AND p.posted_at < :before
    ), owed AS (
        SELECT i.account_id, i.due_at, sum(amount_cents)::bigint AS cents
        FROM posted JOIN invoices i ON i.id = posted.invoice_id
        WHERE posted.account = 'receivable' GROUP BY i.id HAVING sum(amount_cents) <> 0
    ), credit AS (
        SELECT party_id AS account_id, -sum(amount_cents)::bigint AS cents
        FROM posted WHERE account = 'customer_credit' GROUP BY party_id HAVING sum(amount_cents) <> 0
    ), control AS (
        SELECT coalesce(sum(amount_cents), 0)::bigint AS cents FROM posted WHERE account = 'receivable'
    )
"""

_AGED = """
    , day AS (
        SELECT CAST(:zone AS text) AS zone, (CAST(:at AS timestamptz) AT TIME ZONE CAST(:zone AS text))::date AS today
    ), dated AS (
        SELECT account_id, cents, day.today - (due_at AT TIME ZONE day.zone)::date AS days FROM owed, day
    ), by_account AS (
        SELECT account_id,
               coalesce(sum(cents) FILTER (WHERE days <= 0), 0)::bigint AS not_due,
               coalesce(sum(cents) FILTER (WHERE days BETWEEN 1 AND 30), 0)::bigint AS to_30,
               coalesce(sum(cents) FILTER (WHERE days BETWEEN 31 AND 60), 0)::bigint AS to_60,
               coalesce(sum(cents) FILTER (WHERE days BETWEEN 61 AND 90), 0)::bigint AS to_90,
               coalesce(sum(cents) FILTER (WHERE days > 90), 0)::bigint AS over_90,
               sum(cents)::bigint AS total
        FROM dated GROUP BY account_id
    ), aged AS (
        SELECT coalesce(b.account_id, credit.account_id) AS account_id,
               coalesce(not_due, 0) AS not_due, coalesce(to_30, 0) AS to_30, coalesce(to_60, 0) AS to_60,
               coalesce(to_90, 0) AS to_90, coalesce(over_90, 0) AS over_90, coalesce(total, 0) AS total,
               coalesce(credit.cents, 0) AS credit
        FROM by_account b FULL JOIN credit ON credit.account_id = b.account_id
    ), shown AS (
        SELECT aged.*, kind, name, count(*) OVER () AS account_count,
               sum(not_due) OVER ()::bigint AS not_due_sum, sum(to_30) OVER ()::bigint AS to_30_sum,
               sum(to_60) OVER ()::bigint AS to_60_sum, sum(to_90) OVER ()::bigint AS to_90_sum,
               sum(over_90) OVER ()::bigint AS over_90_sum, sum(credit) OVER ()::bigint AS credit_sum
        FROM aged JOIN accounts ON accounts.id = aged.account_id
    )
    SELECT control.cents AS ledger_cents, shown.*
    FROM control LEFT JOIN shown ON true
    ORDER BY total DESC, name, account_id LIMIT :most
"""

_AGED_NOW, _AGED_BEFORE = text(f"WITH {_NOW}{_AGED}"), text(f"WITH {_BEFORE}{_AGED}")


async def aged(
    session: AsyncSession, at: datetime, zone: ZoneInfo, most: int | None, before: datetime | None = None
) -> Receivables:
    """At an instant of a day, from which ages count; with `before`, by what had been posted until then."""
    given: dict[str, object] = {"at": at, "zone": zone.key, "most": most}
    if before is None:
        rows = (await session.execute(_AGED_NOW, given)).all()
    else:
        rows = (await session.execute(_AGED_BEFORE, given | {"before": before})).all()
    first = rows[0]
    if first.account_id is None:
        return Receivables((), 0, Aged([0] * len(Age)), first.ledger_cents)
    return Receivables(
        [AgedAccount(row.account_id, InvoiceKind(row.kind), row.name, _aged(row, "", "credit")) for row in rows],
        first.account_count,
        _aged(first, "_sum", "credit_sum"),
        first.ledger_cents,
    )


def _aged(row: Row[Any], suffix: str, credit: str) -> Aged:
    return Aged([getattr(row, f"{age}{suffix}") for age in Age], getattr(row, credit))
