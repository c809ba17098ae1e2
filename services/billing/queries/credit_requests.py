"""Credits that were asked for, and how the deliveries they are about are charged."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain import gst
from services.billing.domain.credit_requests import FINAL, Charge, CreditResult, bill_of
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import CreditRequestNotFound
from services.billing.models import (
    AdjustmentDelivery,
    CreditRequest,
    DeliveryEvent,
    HeldDelivery,
    Invoice,
    InvoiceLine,
)

OPEN = CreditRequest.result.is_(None) | CreditRequest.result.not_in(FINAL)


async def find(session: AsyncSession, request_id: UUID) -> CreditRequest:
    return CreditRequestNotFound.unless(
        await session.get(CreditRequest, request_id, populate_existing=True),
        "nobody asked for a credit under this id",
        request_id=request_id,
    )


async def open_assignments(session: AsyncSession, assignment_ids: Collection[UUID]) -> Sequence[UUID]:
    """Those of them for whose deliveries a credit is asked for and not settled."""
    query = select(CreditRequest.assignment_id).where(CreditRequest.assignment_id.in_(assignment_ids), OPEN)
    return (await session.scalars(query.distinct().order_by(CreditRequest.assignment_id))).all()


async def lock_open(session: AsyncSession, assignment_ids: Collection[UUID]) -> Sequence[CreditRequest]:
    """By delivery in the order in which they were asked, as they are under their locks."""
    return await _lock(session, CreditRequest.assignment_id.in_(assignment_ids) & OPEN)


async def lock_of_adjustments(session: AsyncSession, adjustment_ids: Collection[UUID]) -> Sequence[CreditRequest]:
    """The open ones that these adjustments carry out."""
    return await _lock(session, CreditRequest.adjustment_id.in_(adjustment_ids) & OPEN)


async def _lock(session: AsyncSession, condition: ColumnElement[bool]) -> Sequence[CreditRequest]:
    query = select(CreditRequest).where(condition).with_for_update()
    order = (CreditRequest.assignment_id, CreditRequest.asked_at, CreditRequest.request_id)
    return (await session.scalars(query.order_by(*order).execution_options(populate_existing=True))).all()


async def waiting_on(session: AsyncSession, invoice_id: UUID) -> Sequence[UUID]:
    """The assignments on the invoice's lines whose credit waits for its issue."""
    query = (
        select(CreditRequest.assignment_id)
        .join(DeliveryEvent, DeliveryEvent.assignment_id == CreditRequest.assignment_id)
        .join(InvoiceLine, InvoiceLine.delivery_event_id == DeliveryEvent.id)
        .where(InvoiceLine.invoice_id == invoice_id, InvoiceLine.is_live)
        .where(CreditRequest.result == CreditResult.WAITS_FOR_INVOICE)
    )
    return (await session.scalars(query)).all()


async def lock_invoices_of(session: AsyncSession, assignment_ids: Collection[UUID]) -> None:
    """Those that bill the deliveries by a line, in one order, before anything on them is decided."""
    billing = (
        select(InvoiceLine.invoice_id)
        .join(DeliveryEvent, DeliveryEvent.id == InvoiceLine.delivery_event_id)
        .where(DeliveryEvent.assignment_id.in_(assignment_ids), InvoiceLine.is_live)
    )
    await session.execute(select(Invoice.id).where(Invoice.id.in_(billing)).order_by(Invoice.id).with_for_update())


@dataclass(frozen=True, slots=True)
class Standing:
    """A delivery with its charge, and where it stands: on line `line_no` of `invoice_id`."""

    delivery: DeliveryEvent
    charge: Charge
    invoice_id: UUID | None
    line_no: int | None


async def lock_standings(session: AsyncSession, assignment_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """By assignment; those that are not in the ledger are left out."""
    locked = select(DeliveryEvent).where(DeliveryEvent.assignment_id.in_(assignment_ids)).order_by(DeliveryEvent.id)
    deliveries = (await session.scalars(locked.with_for_update().execution_options(populate_existing=True))).all()
    return await standings(session, [delivery.assignment_id for delivery in deliveries])


async def standings(session: AsyncSession, assignment_ids: Collection[UUID]) -> dict[UUID, Standing]:
    by_debit = exists().where(AdjustmentDelivery.delivery_event_id == DeliveryEvent.id, AdjustmentDelivery.is_live)
    query = (
        select(DeliveryEvent, InvoiceLine.invoice_id, InvoiceLine.line_no, Invoice.document_status, by_debit)
        .outerjoin(InvoiceLine, (InvoiceLine.delivery_event_id == DeliveryEvent.id) & InvoiceLine.is_live)
        .outerjoin(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(DeliveryEvent.assignment_id.in_(assignment_ids))
    )
    return {row[0].assignment_id: _standing(*row) for row in await session.execute(query)}


def _standing(
    delivery: DeliveryEvent, invoice_id: UUID | None, line_no: int | None, status: DocumentStatus | None, is_debit: bool
) -> Standing:
    cents = gst.split_gst([delivery.priced])[0].inc_gst_cents
    charge = Charge(delivery.event_status, bill_of(status, is_by_debit=is_debit), cents)
    return Standing(delivery, charge, invoice_id, line_no)


async def lock_held(session: AsyncSession, assignment_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those that wait for a price."""
    query = select(HeldDelivery.assignment_id).where(
        HeldDelivery.assignment_id.in_(assignment_ids), HeldDelivery.released_at.is_(None)
    )
    return frozenset(await session.scalars(query.order_by(HeldDelivery.assignment_id).with_for_update()))
