"""What the delivery ledger and its queue hold."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.statuses import DocumentStatus, EventStatus
from services.billing.errors import DeliveryNotFound
from services.billing.models import Adjustment, AdjustmentDelivery, DeliveryEvent, HeldDelivery, Invoice, InvoiceLine


async def known_assignments(session: AsyncSession, assignment_ids: Sequence[UUID]) -> set[UUID]:
    """Those that are in the ledger or in the queue, waiting or released."""
    recorded = select(DeliveryEvent.assignment_id).where(DeliveryEvent.assignment_id.in_(assignment_ids))
    held = select(HeldDelivery.assignment_id).where(HeldDelivery.assignment_id.in_(assignment_ids))
    return set(await session.scalars(recorded.union(held)))


async def lock(session: AsyncSession, ids: Collection[UUID]) -> Sequence[DeliveryEvent]:
    """Those of them that there are."""
    query = select(DeliveryEvent).where(DeliveryEvent.id.in_(ids)).order_by(DeliveryEvent.id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def lock_one(session: AsyncSession, id_: UUID) -> DeliveryEvent:
    for delivery in await lock(session, [id_]):
        return delivery
    raise DeliveryNotFound("there is no such delivery", delivery_event_id=id_)


async def billed_on(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The invoices that they are billed on, by a line or by a debit; those that are on none are left out."""
    on_lines = select(InvoiceLine.delivery_event_id, InvoiceLine.invoice_id).where(
        InvoiceLine.delivery_event_id.in_(ids), InvoiceLine.is_live
    )
    by_debits = (
        select(AdjustmentDelivery.delivery_event_id, Adjustment.invoice_id)
        .join(Adjustment, Adjustment.id == AdjustmentDelivery.adjustment_id)
        .where(AdjustmentDelivery.delivery_event_id.in_(ids), AdjustmentDelivery.is_live)
    )
    rows = await session.execute(on_lines.union_all(by_debits))
    return {delivery_id: invoice_id for delivery_id, invoice_id in rows if delivery_id is not None}


async def assignments_of_debit(session: AsyncSession, adjustment_id: UUID) -> Sequence[UUID]:
    """Those whose deliveries the debit charges, in the order in which they were delivered."""
    query = (
        select(DeliveryEvent.assignment_id)
        .join(AdjustmentDelivery, AdjustmentDelivery.delivery_event_id == DeliveryEvent.id)
        .where(AdjustmentDelivery.adjustment_id == adjustment_id, AdjustmentDelivery.is_live)
        .order_by(DeliveryEvent.delivered_at, DeliveryEvent.id)
    )
    return (await session.scalars(query)).all()


async def lock_held(session: AsyncSession, installer_id: UUID) -> list[UUID]:
    """The assignments of an installer that wait for a price."""
    query = (
        select(HeldDelivery.assignment_id)
        .where(HeldDelivery.installer_id == installer_id, HeldDelivery.released_at.is_(None))
        .order_by(HeldDelivery.assignment_id)
        .with_for_update()
    )
    return list(await session.scalars(query))


@dataclass(frozen=True, slots=True)
class HeldQueue:
    """Deliveries that wait for a price; `oldest_at` is when the first of them was held."""

    count: int
    oldest_at: datetime | None


async def held_queue(session: AsyncSession) -> HeldQueue:
    query = select(func.count(), func.min(HeldDelivery.held_at)).where(HeldDelivery.released_at.is_(None))
    return HeldQueue(*(await session.execute(query)).one())


ON_A_LINE = (
    select(InvoiceLine.delivery_event_id)
    .where(InvoiceLine.delivery_event_id == DeliveryEvent.id, InvoiceLine.is_live)
    .correlate(DeliveryEvent)
    .exists()
)
BY_A_DEBIT = (
    select(AdjustmentDelivery.delivery_event_id)
    .where(AdjustmentDelivery.delivery_event_id == DeliveryEvent.id, AdjustmentDelivery.is_live)
    .correlate(DeliveryEvent)
    .exists()
)
MOST_LATE = 100


async def late_of(session: AsyncSession, invoice: Invoice) -> Sequence[DeliveryEvent]:
    """Billable deliveries of an issued installer's month that nothing bills: the first hundred of them."""
    if invoice.document_status is not DocumentStatus.ISSUED:
        return ()
    query = (
        select(DeliveryEvent)
        .where(
            DeliveryEvent.installer_id == invoice.account_id,
            DeliveryEvent.delivered_at >= invoice.period_start,
            DeliveryEvent.delivered_at < invoice.period_end,
            DeliveryEvent.event_status == EventStatus.BILLABLE,
            ~ON_A_LINE,
            ~BY_A_DEBIT,
        )
        .order_by(DeliveryEvent.delivered_at, DeliveryEvent.id)
        .limit(MOST_LATE)
    )
    return (await session.scalars(query)).all()
