"""Drafting a month: every installer's invoice and all of its lines in one statement.

Running it again adds nothing twice: an invoice is unique per installer and period, a delivery stands on one live line.
A draft that deliveries came late for is written anew; an issued invoice is left alone and its late deliveries named.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, delete, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.ids import new_id
from contracts.billing import InvoiceDrafted
from contracts.values import InvoiceKind
from services.billing.commands.gate import refuse_unrecorded
from services.billing.domain import gst
from services.billing.domain.journal import CURRENCY
from services.billing.domain.month_close import obstacle_to_drafting
from services.billing.domain.periods import Period
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import MonthHasHeldDeliveries, PeriodNotEnded
from services.billing.models import InvoiceLine
from services.billing.queries import invoices, periods
from services.billing.queries.periods import Standing


class DraftOutcome(StrEnum):
    """`unchanged`: everything that is billable stands on the installer's invoice already."""

    DRAFTED = "drafted"
    REDRAFTED = "redrafted"
    UNCHANGED = "unchanged"
    FAILED = "failed"

    @property
    def is_written(self) -> bool:
        return self in {DraftOutcome.DRAFTED, DraftOutcome.REDRAFTED}


@dataclass(frozen=True, slots=True)
class DraftResult:
    """`code` and `detail` say why one failed."""

    installer_id: UUID
    outcome: DraftOutcome
    invoice_id: UUID | None = None
    total_cents: int | None = None
    line_count: int | None = None
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class GenerateDrafts:
    """All installers with deliveries in the period, or the given ones alone."""

    period: Period
    installer_ids: Collection[UUID] | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be written: the invoice of each installer, a new one or a draft that is emptied first."""

    invoice_ids: dict[UUID, UUID]
    redrafted: frozenset[UUID]


async def generate_drafts(session: AsyncSession, command: GenerateDrafts, now: datetime) -> list[DraftResult]:
    """One result per installer, the failures named; refused whole while a delivery of the period has no price."""
    period = command.period
    await wait_for_other_runs(session)
    # A portion of a month is sorted in memory rather than on disk.
    await session.execute(text("SET LOCAL work_mem = '64MB'"))
    await refuse_undraftable(session, command, now)
    standings = await periods.standings(session, period, command.installer_ids)
    plan = await _plan(session, standings)
    written = await _write(session, period, plan, now)
    return [written.get(standing.installer_id) or _untouched(standing) for standing in standings]


async def wait_for_other_runs(session: AsyncSession) -> None:
    """One at a time drafts, or changes what a draft would hold."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('billing.drafts', 0))"))


async def refuse_undraftable(session: AsyncSession, command: GenerateDrafts, now: datetime) -> None:
    """Of the given installers, or of all: what stands in the way of drafting their month."""
    period = command.period
    if obstacle_to_drafting(has_ended=period.has_ended(now), held_count=0):
        raise PeriodNotEnded(f"{period.name} ends at {period.end.isoformat()}", period=period.name)
    await refuse_unrecorded(session, period, command.installer_ids)
    held = await periods.held(session, command.period, command.installer_ids)
    if obstacle_to_drafting(has_ended=True, held_count=len(held)):
        named = [(delivery.assignment_id, delivery.installer_id) for delivery in held]
        raise MonthHasHeldDeliveries(command.period.name, named)


async def _plan(session: AsyncSession, standings: Sequence[Standing]) -> _Plan:
    open_ = [standing for standing in standings if standing.unbilled_count]
    stale = sorted(s.invoice_id for s in open_ if s.invoice_id and s.document_status is DocumentStatus.DRAFT)
    redrafted = await _empty_drafts(session, stale)
    new = {s.installer_id: new_id() for s in open_ if s.invoice_id is None}
    kept = {s.installer_id: s.invoice_id for s in open_ if s.invoice_id is not None and s.invoice_id in redrafted}
    return _Plan(new | kept, redrafted)


async def _empty_drafts(session: AsyncSession, invoice_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those that still are drafts under their lock: one may have been issued while we looked."""
    if not invoice_ids:
        return frozenset()
    drafts = await invoices.lock_drafts(session, invoice_ids)
    await session.execute(delete(InvoiceLine).where(InvoiceLine.invoice_id.in_(drafts)))
    return drafts


# Whoever is in scope has no invoice of the month but an empty draft, so that none of these deliveries stands on a line:
# they are not looked for among all lines that there are, and the index of live lines would refuse a second one.
# The void invoice whose place a draft takes is the month's last that had a number, as `invoices.predecessor_id` has it.
# GST by the total-invoice rule, as domain/gst.py has it: counted in 110ths of a cent, rounded once per invoice, the
# cents that are missing given to the lines with the largest remainders. Most months lack none: only those that do are
# sorted by their remainders.
_DRAFT = text(
    """
    WITH scope AS (
        SELECT * FROM unnest(:installer_ids, :invoice_ids) AS scope (installer_id, invoice_id)
    ), priced AS (
        SELECT scope.invoice_id, scope.installer_id, d.id, d.delivered_at, d.includes_gst,
               CASE WHEN d.gst_treatment = 'gst_free' THEN 0
                    WHEN d.includes_gst THEN d.unit_price_cents * 10 ELSE d.unit_price_cents * 11 END AS gst_110ths,
               d.unit_price_cents, d.gst_treatment,
               CASE d.product_type WHEN 'exclusive' THEN 'Exclusive lead, ' ELSE 'Shared lead, ' END
                   || translate(d.service, '-_', '  ') || ', ' || d.locality AS description
        FROM scope JOIN delivery_events d ON d.installer_id = scope.installer_id
        WHERE d.delivered_at >= :period_start AND d.delivered_at < :period_end AND d.event_status = 'billable'
          AND NOT EXISTS (SELECT FROM adjustment_deliveries a WHERE a.delivery_event_id = d.id AND a.is_live)
    ), short AS (
        SELECT invoice_id, (2 * sum(gst_110ths)::bigint + 110) / 220 - sum(gst_110ths / 110)::bigint AS missing_cents
        FROM priced GROUP BY invoice_id
        HAVING (2 * sum(gst_110ths)::bigint + 110) / 220 > sum(gst_110ths / 110)::bigint
    ), ranked AS (
        SELECT id, missing_cents, row_number() OVER (
                   PARTITION BY invoice_id ORDER BY gst_110ths % 110 DESC, includes_gst, delivered_at, id
               ) AS remainder_no
        FROM priced JOIN short USING (invoice_id)
    ), lines AS (
        SELECT priced.*, row_number() OVER (PARTITION BY invoice_id ORDER BY delivered_at, id) AS line_no,
               gst_110ths / 110 + (raised.id IS NOT NULL)::int AS gst_cents
        FROM priced LEFT JOIN (SELECT id FROM ranked WHERE remainder_no <= missing_cents) AS raised USING (id)
    ), totals AS (
        SELECT invoice_id, installer_id, count(*) AS line_count,
               sum(unit_price_cents - CASE WHEN includes_gst THEN gst_cents ELSE 0 END)::bigint AS subtotal_cents,
               sum(gst_cents)::bigint AS gst_cents
        FROM lines GROUP BY invoice_id, installer_id
    ), drafted AS (
        INSERT INTO invoices (id, kind, account_id, period, period_start, period_end, document_status, subtotal_cents,
                              gst_cents, total_cents, currency, gst_rule, created_at, version)
        SELECT invoice_id, 'installer', installer_id, :period, :period_start, :period_end, 'draft', subtotal_cents,
               gst_cents, subtotal_cents + gst_cents, :currency, :gst_rule, :now, 1
        FROM totals
        ON CONFLICT (id) DO UPDATE SET
            subtotal_cents = excluded.subtotal_cents, gst_cents = excluded.gst_cents,
            total_cents = excluded.total_cents, version = invoices.version + 1
        RETURNING id, account_id, total_cents, version
    ), written AS (
        INSERT INTO invoice_lines (invoice_id, line_no, delivery_event_id, description, quantity, unit_price_cents,
                                   includes_gst, gst_treatment, ex_gst_cents, gst_cents, inc_gst_cents)
        SELECT lines.invoice_id, line_no, lines.id, description, 1, unit_price_cents, includes_gst, gst_treatment,
               unit_price_cents - CASE WHEN includes_gst THEN gst_cents ELSE 0 END, gst_cents,
               unit_price_cents + CASE WHEN includes_gst THEN 0 ELSE gst_cents END
        FROM lines JOIN drafted ON drafted.id = lines.invoice_id
    )
    SELECT drafted.id, drafted.account_id, drafted.total_cents, drafted.version, line_count,
           replaced.id AS replaces_invoice_id
    FROM drafted JOIN totals ON totals.invoice_id = drafted.id
    LEFT JOIN LATERAL (
        SELECT void.id FROM invoices void
        WHERE void.account_id = drafted.account_id AND void.period_start = :period_start
          AND void.document_status = 'void' AND void.number IS NOT NULL
        ORDER BY void.voided_at DESC LIMIT 1
    ) AS replaced ON true
    ORDER BY drafted.account_id
    """
).bindparams(bindparam("installer_ids", type_=ARRAY(Uuid)), bindparam("invoice_ids", type_=ARRAY(Uuid)))


async def _write(session: AsyncSession, period: Period, plan: _Plan, now: datetime) -> dict[UUID, DraftResult]:
    if not plan.invoice_ids:
        return {}
    drafted = await session.execute(
        _DRAFT,
        {
            "installer_ids": list(plan.invoice_ids),
            "invoice_ids": list(plan.invoice_ids.values()),
            "period": period.name,
            "period_start": period.start,
            "period_end": period.end,
            "currency": CURRENCY,
            "gst_rule": gst.RULE,
            "now": now,
        },
    )
    results: dict[UUID, DraftResult] = {}
    for row in drafted:
        outcome = DraftOutcome.REDRAFTED if row.id in plan.redrafted else DraftOutcome.DRAFTED
        results[row.account_id] = DraftResult(row.account_id, outcome, row.id, row.total_cents, row.line_count)
        _publish(session, period, row)
    return results


def _publish(session: AsyncSession, period: Period, drafted: Row[Any]) -> None:
    event = InvoiceDrafted(
        invoice_id=drafted.id,
        kind=InvoiceKind.INSTALLER,
        installer_id=drafted.account_id,
        period_start=period.start,
        period_end=period.end,
        total_cents=drafted.total_cents,
        currency=CURRENCY,
        replaces_invoice_id=drafted.replaces_invoice_id,
    )
    outbox.add(session, event, version=drafted.version)


def _untouched(standing: Standing) -> DraftResult:
    if standing.unbilled_count == 0:
        return DraftResult(standing.installer_id, DraftOutcome.UNCHANGED, standing.invoice_id)
    return DraftResult(
        standing.installer_id,
        DraftOutcome.FAILED,
        standing.invoice_id,
        code="late_deliveries",
        detail=f"{standing.unbilled_count} deliveries came after the invoice was issued: "
        "charge them by a debit that names them, or void them",
    )
