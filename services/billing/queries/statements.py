"""Statements of account: an account's postings between two instants, by its own indexes; and those that were mailed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.fields import end_of, start_of
from chassis.paging import PageRequest
from contracts.values import InvoiceKind
from services.billing.domain.journal import PostingKind
from services.billing.domain.statements import MOST_LINES, AccountStatement, OpenInvoice, StatementLine
from services.billing.errors import StatementNotFound, StatementTooLong
from services.billing.models import Account, Statement

# The account's part of the ledger: what its invoices moved, and what moved without one.
_POSTED = """
    of_account AS (
        SELECT p.* FROM invoices i JOIN journal_postings p ON p.invoice_id = i.id
        WHERE i.account_id = :account_id AND p.posted_at < :until
        UNION ALL
        SELECT p.* FROM journal_postings p
        WHERE p.party_id = :account_id AND p.invoice_id IS NULL AND p.payout_id IS NULL AND p.posted_at < :until
    ), moved AS (
        SELECT p.id, p.kind, p.posted_at, p.invoice_id, p.source_key, sum(e.amount_cents)::bigint AS cents,
               coalesce(sum(e.amount_cents) FILTER (WHERE e.account = 'receivable'), 0)::bigint AS owed_cents
        FROM of_account p JOIN journal_entries e ON e.posting_id = p.id
        WHERE e.account IN ('receivable', 'customer_credit')
        GROUP BY p.id, p.kind, p.posted_at, p.invoice_id, p.source_key
    )
"""

# One statement, so that its lines and both of its balances are of one moment.
_LINES = text(
    f"""
    WITH {_POSTED}, ends AS (
        SELECT coalesce(sum(cents) FILTER (WHERE posted_at < :since), 0)::bigint AS opening_cents,
               coalesce(sum(cents), 0)::bigint AS closing_cents
        FROM moved
    ), shown AS (
        SELECT moved.id, moved.kind, moved.posted_at, moved.cents, i.number,
               coalesce(pay.reference, pay.external_payment_ref, a.number) AS note
        FROM moved
        LEFT JOIN invoices i ON i.id = moved.invoice_id
        LEFT JOIN payments pay ON moved.kind = 'payment_received'
            AND pay.id = CASE WHEN moved.source_key LIKE 'payment:%' THEN substr(moved.source_key, 9)::uuid END
        LEFT JOIN adjustments a ON moved.kind IN ('credit_given', 'debit_charged')
            AND a.id = CASE WHEN moved.source_key LIKE 'adjustment:%' THEN substr(moved.source_key, 12)::uuid END
        WHERE moved.posted_at >= :since AND moved.cents <> 0
    )
    SELECT ends.*, shown.* FROM ends LEFT JOIN shown ON true ORDER BY shown.posted_at, shown.id LIMIT :most
    """  # noqa: S608  # of constants
)

_OPEN = text(
    f"""
    WITH {_POSTED}
    SELECT i.id AS invoice_id, i.kind, i.number, i.issued_at, i.due_at, sum(moved.owed_cents)::bigint AS owed_cents,
           CAST(:to_day AS date) - (i.due_at AT TIME ZONE CAST(:zone AS text))::date AS days_overdue
    FROM moved JOIN invoices i ON i.id = moved.invoice_id
    GROUP BY i.id HAVING sum(moved.owed_cents) <> 0 ORDER BY i.due_at, i.number
    """  # noqa: S608  # of constants
)


@dataclass(frozen=True, slots=True)
class Span:
    """Both days belong to it."""

    from_day: date
    to_day: date


async def statement(session: AsyncSession, account: Account, span: Span, zone: ZoneInfo) -> AccountStatement:
    """By what had been recorded on each of the days."""
    given: dict[str, Any] = {"account_id": account.id, "until": end_of(span.to_day, zone)}
    since = start_of(span.from_day, zone)
    rows = (await session.execute(_LINES, given | {"since": since, "most": MOST_LINES + 1})).all()
    if len(rows) > MOST_LINES:
        raise StatementTooLong(f"there are more than {MOST_LINES:,}: choose fewer days", account_id=account.id)
    open_rows = await session.execute(_OPEN, given | {"to_day": span.to_day, "zone": zone.key})
    return AccountStatement(
        from_day=span.from_day,
        to_day=span.to_day,
        opening_cents=rows[0].opening_cents,
        closing_cents=rows[0].closing_cents,
        lines=[_line(row) for row in rows if row.id is not None],
        open_invoices=[_open(row) for row in open_rows],
    )


def _line(row: Row[Any]) -> StatementLine:
    return StatementLine(row.id, row.posted_at, PostingKind(row.kind), row.cents, row.number, row.note)


def _open(row: Row[Any]) -> OpenInvoice:
    dated = (row.number, row.issued_at, row.due_at, row.days_overdue, row.owed_cents)
    return OpenInvoice(row.invoice_id, InvoiceKind(row.kind), *dated)


async def find(session: AsyncSession, account_id: UUID, statement_id: UUID) -> Statement:
    found = await session.get(Statement, statement_id)
    if found is None or found.account_id != account_id:
        raise StatementNotFound("no such statement was mailed", statement_id=statement_id)
    return found


async def sent_to(session: AsyncSession, page: PageRequest, account_id: UUID) -> Sequence[Statement]:
    query = select(Statement).where(Statement.account_id == account_id)
    return (await session.scalars(page.apply(query, Statement.sent_at, Statement.id))).all()


async def latest(session: AsyncSession, account_id: UUID, most: int) -> Sequence[Statement]:
    query = select(Statement).where(Statement.account_id == account_id)
    return (await session.scalars(query.order_by(Statement.sent_at.desc(), Statement.id.desc()).limit(most))).all()
