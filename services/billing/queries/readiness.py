"""What the gate before issue looks at, for however many drafts at once."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.statuses import EventStatus
from services.billing.domain.tax_invoice import FaceLine
from services.billing.models import DeliveryEvent, HeldDelivery, Invoice, InvoiceLine
from services.billing.queries.deliveries import BY_A_DEBIT, ON_A_LINE


async def face_lines(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[FaceLine]]:
    """As they would be printed, in their order."""
    query = (
        select(
            InvoiceLine.invoice_id,
            InvoiceLine.description,
            InvoiceLine.quantity,
            InvoiceLine.unit_price_cents,
            InvoiceLine.gst_treatment,
            InvoiceLine.gst_cents,
            InvoiceLine.inc_gst_cents,
        )
        .where(InvoiceLine.invoice_id.in_(invoice_ids))
        .order_by(InvoiceLine.invoice_id, InvoiceLine.line_no)
    )
    found: dict[UUID, list[FaceLine]] = {id_: [] for id_ in invoice_ids}
    rows: Sequence[Any] = (await session.execute(query)).all()
    for id_, *line in rows:
        found[id_].append(FaceLine(*line))
    return found


async def held_of(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """Assignments of an installer's month that have no price, the oldest first; months without any are left out."""
    query = (
        select(Invoice.id, HeldDelivery.assignment_id)
        .join(HeldDelivery, _of_its_month(HeldDelivery) & HeldDelivery.released_at.is_(None))
        .where(Invoice.id.in_(invoice_ids))
        .order_by(HeldDelivery.delivered_at, HeldDelivery.assignment_id)
    )
    found: dict[UUID, list[UUID]] = {}
    for id_, assignment_id in await session.execute(query):
        found.setdefault(id_, []).append(assignment_id)
    return found


async def unbilled_of(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many billable deliveries of an installer's month no invoice bills; months without any are left out."""
    query = (
        select(Invoice.id, func.count().label("number"))
        .join(DeliveryEvent, _of_its_month(DeliveryEvent) & (DeliveryEvent.event_status == EventStatus.BILLABLE))
        .where(Invoice.id.in_(invoice_ids), ~ON_A_LINE, ~BY_A_DEBIT)
        .group_by(Invoice.id)
    )
    return {row.id: row.number for row in await session.execute(query)}


def _of_its_month(table: Any) -> ColumnElement[bool]:
    return and_(
        table.installer_id == Invoice.account_id,
        table.delivered_at >= Invoice.period_start,
        table.delivered_at < Invoice.period_end,
    )
