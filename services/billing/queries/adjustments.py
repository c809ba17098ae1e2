"""Adjustments, and what they left of the lines."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.adjustments import LineLeft
from services.billing.domain.gst import Amounts
from services.billing.domain.statuses import AdjustmentState
from services.billing.errors import AdjustmentNotFound
from services.billing.models import Adjustment, AdjustmentDelivery, AdjustmentLine, Invoice, InvoiceLine
from services.billing.queries import invoices


async def find(session: AsyncSession, adjustment_id: UUID) -> Adjustment:
    return AdjustmentNotFound.unless(
        await session.get(Adjustment, adjustment_id), "billing has no such adjustment", adjustment_id=adjustment_id
    )


async def lock(session: AsyncSession, adjustment_id: UUID) -> tuple[Invoice, Adjustment]:
    """With its invoice, as it is now that nobody else can change it."""
    adjustment = await find(session, adjustment_id)
    invoice = await invoices.lock(session, adjustment.invoice_id)
    await session.refresh(adjustment)
    return invoice, adjustment


async def find_or_none(session: AsyncSession, adjustment_id: UUID) -> Adjustment | None:
    return await session.get(Adjustment, adjustment_id)


async def named_deliveries(session: AsyncSession, adjustment_id: UUID) -> frozenset[UUID]:
    query = select(AdjustmentDelivery.delivery_event_id).where(AdjustmentDelivery.adjustment_id == adjustment_id)
    return frozenset(await session.scalars(query))


async def lock_pending(session: AsyncSession, invoice_id: UUID) -> Sequence[Adjustment]:
    query = select(Adjustment).where(Adjustment.invoice_id == invoice_id, Adjustment.state == AdjustmentState.PENDING)
    return (await session.scalars(query.with_for_update())).all()


async def of_invoice(session: AsyncSession, invoice_id: UUID) -> Sequence[Adjustment]:
    query = select(Adjustment).where(Adjustment.invoice_id == invoice_id)
    return (await session.scalars(query.order_by(Adjustment.created_at, Adjustment.id))).all()


async def lines_left(session: AsyncSession, invoice_id: UUID) -> list[LineLeft]:
    """Every line with what is left of it after the credits given so far; negative ones too."""
    given = (
        select(
            AdjustmentLine.line_no,
            func.sum(AdjustmentLine.ex_gst_cents).label("ex_gst_cents"),
            func.sum(AdjustmentLine.gst_cents).label("gst_cents"),
        )
        .where(AdjustmentLine.invoice_id == invoice_id)
        .group_by(AdjustmentLine.line_no)
        .subquery("given")
    )
    query = (
        select(InvoiceLine, func.coalesce(given.c.ex_gst_cents, 0), func.coalesce(given.c.gst_cents, 0))
        .outerjoin(given, given.c.line_no == InvoiceLine.line_no)
        .where(InvoiceLine.invoice_id == invoice_id)
        .order_by(InvoiceLine.line_no)
    )
    return [
        LineLeft(
            line.line_no,
            line.gst_treatment,
            Amounts(line.ex_gst_cents - int(ex_gst_cents), line.gst_cents - int(gst_cents)),
        )
        for line, ex_gst_cents, gst_cents in await session.execute(query)
    ]
