"""What an installer was delivered while a version of its prices would hold, counted by product and price."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import GstTreatment, ProductType
from services.billing.domain.gst import Priced
from services.billing.domain.periods import Period
from services.billing.domain.price_changes import Counted, PriceChange, Prices, effect_of, priced_by
from services.billing.domain.statuses import DocumentStatus, EventStatus
from services.billing.models import DeliveryEvent, HeldDelivery, Invoice, InvoiceLine, PricePlan
from services.billing.queries.deliveries import BY_A_DEBIT

ON_ISSUED = (
    select(InvoiceLine.invoice_id)
    .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
    .where(
        InvoiceLine.delivery_event_id == DeliveryEvent.id,
        InvoiceLine.is_live,
        Invoice.document_status == DocumentStatus.ISSUED,
    )
    .correlate(DeliveryEvent)
    .exists()
)
Window = tuple[datetime, datetime | None]
"""Half-open; without an end it is open."""
PRICE = (
    DeliveryEvent.product_type,
    DeliveryEvent.unit_price_cents,
    DeliveryEvent.gst_treatment,
    DeliveryEvent.includes_gst,
)


async def ends_at(session: AsyncSession, installer_id: UUID, effective_from: datetime) -> datetime | None:
    """Where the next version begins."""
    query = select(func.min(PricePlan.effective_from)).where(
        PricePlan.installer_id == installer_id, PricePlan.effective_from > effective_from
    )
    return await session.scalar(query)


async def change_of(
    session: AsyncSession, installer_id: UUID, window: Window, prices: Prices | None, running: Period
) -> PriceChange:
    """`running` is the month that is not over yet."""
    issued = func.coalesce(or_(ON_ISSUED, BY_A_DEBIT), False)
    rows = await _delivered(session, installer_id, _within(DeliveryEvent, window), issued.label("is_issued"))
    month = await _delivered(session, installer_id, _within(DeliveryEvent, (running.start, running.end)))
    held = await _held(session, installer_id, _within(HeldDelivery, window))
    waiting = await _held(session, installer_id, [])
    priced = priced_by(held, prices)
    return PriceChange(
        issued=effect_of(_counted(row for row in rows if row.is_issued), prices),
        unbilled=effect_of(_counted(row for row in rows if not row.is_issued), prices),
        priced=priced,
        month=effect_of(_counted(month), prices),
        left_held_count=sum(waiting.values()) - priced.count,
    )


def _within(table: Any, window: Window) -> list[ColumnElement[bool]]:
    start, end = window
    return [table.delivered_at >= start, *([table.delivered_at < end] if end is not None else [])]


async def _delivered(
    session: AsyncSession, installer_id: UUID, conditions: list[ColumnElement[bool]], *also: Any
) -> list[Row[Any]]:
    query = (
        select(*PRICE, *also, func.count().label("number"))
        .where(
            DeliveryEvent.installer_id == installer_id,
            DeliveryEvent.event_status == EventStatus.BILLABLE,
            *conditions,
        )
        .group_by(*PRICE, *also)
    )
    return list((await session.execute(query)).all())


def _counted(rows: Iterable[Row[Any]]) -> Counted:
    return [
        (
            ProductType(row.product_type),
            Priced(row.unit_price_cents, GstTreatment(row.gst_treatment), row.includes_gst),
            row.number,
        )
        for row in rows
    ]


async def _held(
    session: AsyncSession, installer_id: UUID, conditions: list[ColumnElement[bool]]
) -> dict[ProductType, int]:
    query = (
        select(HeldDelivery.product_type, func.count())
        .where(HeldDelivery.installer_id == installer_id, HeldDelivery.released_at.is_(None), *conditions)
        .group_by(HeldDelivery.product_type)
    )
    return {ProductType(product): number for product, number in await session.execute(query)}
