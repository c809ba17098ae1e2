"""Months of the delivery ledger on their way to being billed and paid, in a few statements whatever their size."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Uuid, any_, bindparam, literal, select, text, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import InvoiceKind
from services.billing.domain.month_close import DraftState, draft_state
from services.billing.domain.periods import Period
from services.billing.domain.statuses import DocumentStatus
from services.billing.models import Account, Invoice
from services.billing.queries import periods
from services.billing.queries.periods import Standing


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """Of installers alone. `unpaid` are issued and owed."""

    period: Period
    delivery_count: int
    held_count: int
    draft_count: int
    draft_cents: int
    issued_count: int
    issued_cents: int
    unpaid_count: int
    unpaid_cents: int
    overdue_count: int


_FIGURES = text(
    """
    SELECT month.name,
           (SELECT count(*) FROM delivery_events d
            WHERE d.delivered_at >= month.begins AND d.delivered_at < month.ends
              AND d.event_status = 'billable'
              AND (:installer_ids IS NULL OR d.installer_id = ANY(:installer_ids))) AS delivery_count,
           (SELECT count(*) FROM held_deliveries h
            WHERE h.released_at IS NULL AND h.delivered_at >= month.begins
              AND h.delivered_at < month.ends
              AND (:installer_ids IS NULL OR h.installer_id = ANY(:installer_ids))) AS held_count,
           count(*) FILTER (WHERE document_status = 'draft') AS draft_count,
           coalesce(sum(total_cents) FILTER (WHERE document_status = 'draft'), 0)::bigint AS draft_cents,
           count(*) FILTER (WHERE document_status = 'issued') AS issued_count,
           coalesce(sum(total_cents) FILTER (WHERE document_status = 'issued'), 0)::bigint AS issued_cents,
           count(*) FILTER (WHERE document_status = 'issued' AND balance_cents > 0) AS unpaid_count,
           coalesce(sum(balance_cents) FILTER (WHERE document_status = 'issued'), 0)::bigint AS unpaid_cents,
           count(*) FILTER (WHERE document_status = 'issued' AND balance_cents > 0 AND due_at < :now) AS overdue_count
    FROM unnest(CAST(:names AS text[]), CAST(:begins AS timestamptz[]), CAST(:ends AS timestamptz[]))
        AS month (name, begins, ends)
    LEFT JOIN invoices ON invoices.period = month.name AND invoices.kind = 'installer'
        AND (:installer_ids IS NULL OR invoices.account_id = ANY(:installer_ids))
    GROUP BY month.name, month.begins, month.ends ORDER BY month.begins DESC
    """
).bindparams(bindparam("installer_ids", type_=ARRAY(Uuid)))

Scope = Collection[UUID] | None
"""Some installers, or None for all of them."""


async def figures(
    session: AsyncSession, months: Sequence[Period], now: datetime, scope: Scope = None
) -> list[MonthFigures]:
    """The latest month first."""
    given = {
        "names": [month.name for month in months],
        "begins": [month.start for month in months],
        "ends": [month.end for month in months],
        "now": now,
        "installer_ids": None if scope is None else list(scope),
    }
    by_name = {month.name: month for month in months}
    found = (await session.execute(_FIGURES, given)).mappings()
    return [MonthFigures(by_name[row["name"]], **{k: v for k, v in row.items() if k != "name"}) for row in found]


@dataclass(frozen=True, slots=True)
class InstallerMonth:
    """`total_cents` of its invoice, where it has one."""

    standing: Standing
    state: DraftState
    name: str | None
    number: str | None
    total_cents: int | None


async def installers(session: AsyncSession, period: Period, scope: Scope = None) -> list[InstallerMonth]:
    """Those that need somebody first, then by their names."""
    standings = await periods.standings(session, period, scope)
    names = await periods.names_of(session, [each.installer_id for each in standings])
    query = select(Invoice.id, Invoice.number, Invoice.total_cents).where(
        Invoice.period == period.name, Invoice.document_status != DocumentStatus.VOID
    )
    invoices = {row.id: row for row in await session.execute(query)}
    found = [_installer(each, names.get(each.installer_id), invoices) for each in standings]
    order = list(DraftState)
    return sorted(found, key=lambda each: (order.index(each.state), each.name or "", each.standing.installer_id))


def _installer(standing: Standing, name: str | None, invoices: dict[UUID, Any]) -> InstallerMonth:
    state = draft_state(standing.unbilled_count, standing.document_status)
    invoice = invoices.get(standing.invoice_id) if standing.invoice_id else None
    return InstallerMonth(
        standing, state, name, invoice.number if invoice else None, invoice.total_cents if invoice else None
    )


async def former(session: AsyncSession, before: Period, since: datetime, scope: Scope = None) -> dict[UUID, list[int]]:
    """What each installer was billed ex GST in the months from `since` until the period."""
    query = select(Invoice.account_id, Invoice.subtotal_cents).where(
        within(scope),
        Invoice.kind == InvoiceKind.INSTALLER,
        Invoice.document_status.in_([DocumentStatus.DRAFT, DocumentStatus.ISSUED]),
        Invoice.period_start >= since,
        Invoice.period_start < before.start,
    )
    found: dict[UUID, list[int]] = {}
    for account_id, cents in await session.execute(query.order_by(Invoice.period_start)):
        found.setdefault(account_id, []).append(cents)
    return found


def within(scope: Scope) -> ColumnElement[bool]:
    return true() if scope is None else Invoice.account_id == any_(literal(list(scope), ARRAY(Uuid)))


async def drafts(
    session: AsyncSession, period: Period, limit: int, scope: Scope = None
) -> Sequence[Row[Invoice, Account]]:
    query = (
        select(Invoice, Account)
        .join(Account, Account.id == Invoice.account_id)
        .where(Invoice.period == period.name, Invoice.document_status == DocumentStatus.DRAFT)
        .where(within(scope))
        .order_by(Account.name, Invoice.id)
        .limit(limit)
    )
    return (await session.execute(query)).all()


async def issued(session: AsyncSession, period: Period, limit: int, scope: Scope = None) -> Sequence[Row[Invoice, str]]:
    """Those that owe most first."""
    query = (
        select(Invoice, Account.name.label("account_name"))
        .join(Account, Account.id == Invoice.account_id)
        .where(Invoice.period == period.name, Invoice.document_status == DocumentStatus.ISSUED)
        .where(within(scope))
        .order_by(Invoice.balance_cents.desc(), Account.name, Invoice.id)
        .limit(limit)
    )
    return (await session.execute(query)).all()
