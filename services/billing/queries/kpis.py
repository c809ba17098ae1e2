"""The figures by which billing is steered: what was issued, what was credited and why, what was delivered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import AdjustmentType, InvoiceKind, ProductType
from services.billing.domain.periods import Period
from services.billing.domain.settlement import WriteOffState
from services.billing.domain.statuses import AdjustmentState, DocumentStatus, EventStatus
from services.billing.domain.voids import VoidState
from services.billing.models import Adjustment, DeliveryEvent, Invoice, VoidRequest, WriteOff


@dataclass(frozen=True, slots=True)
class MonthIssued:
    """With GST, by the day of issue; what was voided since is left out."""

    period: Period
    count: int
    cents: int


_ISSUED = text(
    """
    SELECT month.name, count(invoices.id) AS count, coalesce(sum(total_cents), 0)::bigint AS cents
    FROM unnest(CAST(:names AS text[]), CAST(:begins AS timestamptz[]), CAST(:ends AS timestamptz[]))
        AS month (name, begins, ends)
    LEFT JOIN invoices ON coalesce(issued_at, created_at) >= month.begins
        AND coalesce(issued_at, created_at) < month.ends AND document_status = 'issued'
    GROUP BY month.name
    """
)


async def issued_in(session: AsyncSession, months: Sequence[Period]) -> list[MonthIssued]:
    """In the order of the months."""
    given = {
        "names": [month.name for month in months],
        "begins": [month.start for month in months],
        "ends": [month.end for month in months],
    }
    rows = (await session.execute(_ISSUED, given)).mappings()
    found = {row["name"]: (row["count"], row["cents"]) for row in rows}
    return [MonthIssued(month, *found[month.name]) for month in months]


@dataclass(frozen=True, slots=True)
class Credited:
    """Ex GST, in the span and in the one of the same length before it."""

    reason_code: str
    cents: int
    before_cents: int


async def credited_by_reason(session: AsyncSession, since: datetime, before: datetime) -> list[Credited]:
    """Agreed to from `before` on; the most costly reason of the present span first. A void invoice has none left."""
    is_now = Adjustment.decided_at >= since
    cents = func.coalesce(func.sum(case((is_now, Adjustment.ex_gst_cents))), 0)
    earlier = func.coalesce(func.sum(case((~is_now, Adjustment.ex_gst_cents))), 0)
    query = (
        select(Adjustment.reason_code, cents, earlier)
        .join(Invoice, Invoice.id == Adjustment.invoice_id)
        .where(
            Invoice.document_status != DocumentStatus.VOID,
            Adjustment.type == AdjustmentType.CREDIT,
            Adjustment.state == AdjustmentState.APPROVED,
            Adjustment.decided_at >= before,
        )
        .group_by(Adjustment.reason_code)
        .order_by(cents.desc(), Adjustment.reason_code)
    )
    return [Credited(reason, int(now), int(then)) for reason, now, then in await session.execute(query)]


async def issued_subtotal(session: AsyncSession, since: datetime) -> int:
    """Ex GST."""
    dated_at = func.coalesce(Invoice.issued_at, Invoice.created_at)
    query = select(func.coalesce(func.sum(Invoice.subtotal_cents), 0)).where(
        dated_at >= since, Invoice.document_status == DocumentStatus.ISSUED
    )
    return int(await session.scalar(query) or 0)


async def delivered(session: AsyncSession, now: Period, before: Period) -> dict[ProductType, tuple[int, int]]:
    """Billable deliveries of a month and of the one before it."""
    of_now = and_(DeliveryEvent.delivered_at >= now.start, DeliveryEvent.delivered_at < now.end)
    query = (
        select(DeliveryEvent.product_type, func.count().filter(of_now), func.count().filter(~of_now))
        .where(
            DeliveryEvent.event_status == EventStatus.BILLABLE,
            DeliveryEvent.delivered_at >= before.start,
            DeliveryEvent.delivered_at < now.end,
        )
        .group_by(DeliveryEvent.product_type)
    )
    found = {product: (here, then) for product, here, then in await session.execute(query)}
    return {product: found.get(product, (0, 0)) for product in ProductType}


@dataclass(frozen=True, slots=True)
class Backlogged:
    number: int
    oldest: datetime | None


async def drafts_of_ended_months(session: AsyncSession, now: datetime) -> Backlogged:
    """Installers' drafts that could be issued; as old as the end of their month."""
    query = select(func.count(), func.min(Invoice.period_end)).where(
        Invoice.kind == InvoiceKind.INSTALLER,
        Invoice.document_status == DocumentStatus.DRAFT,
        Invoice.period_end <= now,
    )
    return Backlogged(*(await session.execute(query)).one())


async def overdue(session: AsyncSession, today: datetime) -> Backlogged:
    """Due before the day of the business began; as old as when the first of them was due."""
    query = select(func.count(), func.min(Invoice.due_at)).where(
        Invoice.document_status == DocumentStatus.ISSUED, Invoice.balance_cents > 0, Invoice.due_at < today
    )
    return Backlogged(*(await session.execute(query)).one())


async def pending_adjustments(session: AsyncSession) -> Backlogged:
    query = select(func.count(), func.min(Adjustment.asked_at)).where(Adjustment.state == AdjustmentState.PENDING)
    return Backlogged(*(await session.execute(query)).one())


async def pending_write_offs(session: AsyncSession) -> Backlogged:
    query = select(func.count(), func.min(WriteOff.created_at)).where(WriteOff.state == WriteOffState.PENDING)
    return Backlogged(*(await session.execute(query)).one())


async def pending_voids(session: AsyncSession) -> Backlogged:
    query = select(func.count(), func.min(VoidRequest.created_at)).where(VoidRequest.state == VoidState.PENDING)
    return Backlogged(*(await session.execute(query)).one())


async def is_undrafted(session: AsyncSession, month: Period) -> bool:
    """Something was delivered in the month, and no installer has an invoice of it."""
    delivered_in = select(DeliveryEvent.id).where(
        DeliveryEvent.event_status == EventStatus.BILLABLE,
        DeliveryEvent.delivered_at >= month.start,
        DeliveryEvent.delivered_at < month.end,
    )
    invoiced = select(Invoice.id).where(Invoice.period == month.name, Invoice.document_status != DocumentStatus.VOID)
    return bool(await session.scalar(select(delivered_in.exists() & ~invoiced.exists())))
