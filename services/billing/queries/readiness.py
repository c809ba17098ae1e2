"""What the gate before issue looks at, for however many drafts at once."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, and_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import GstTreatment
from services.billing.domain.statuses import EventStatus
from services.billing.domain.tax_invoice import FaceLine
from services.billing.models import DeliveryEvent, HeldDelivery, Invoice, InvoiceLine
from services.billing.queries.deliveries import BY_A_DEBIT

_FACES = text(
    """
    SELECT invoice_id, min(line_no)::bigint AS line_no, min(description) AS description,
           sum(quantity)::bigint AS quantity, min(unit_price_cents)::bigint AS unit_price_cents,
           min(gst_treatment) AS gst_treatment, sum(gst_cents)::bigint AS gst_cents,
           sum(inc_gst_cents)::bigint AS inc_gst_cents
    FROM (SELECT *, description ~ '\\S' AND (gst_treatment <> 'gst_free' OR gst_cents = 0) AS is_whole
          FROM invoice_lines WHERE invoice_id = ANY(:ids)) AS line
    GROUP BY invoice_id, gst_treatment, CASE WHEN is_whole THEN 0 ELSE line_no END
    ORDER BY invoice_id, line_no
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


async def face_lines(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[FaceLine]]:
    """As they would be printed: each that lacks something by itself, and those that lack nothing summed."""
    found: dict[UUID, list[FaceLine]] = {id_: [] for id_ in invoice_ids}
    for row in await session.execute(_FACES, {"ids": list(invoice_ids)}):
        found[row.invoice_id].append(
            FaceLine(
                description=row.description,
                quantity=row.quantity,
                unit_price_cents=row.unit_price_cents,
                gst_treatment=GstTreatment(row.gst_treatment),
                gst_cents=row.gst_cents,
                inc_gst_cents=row.inc_gst_cents,
                line_no=row.line_no,
            )
        )
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
    """How many billable deliveries of an installer's month no invoice bills; months without any are left out.

    A delivery stands on a line of its own month's invoice or on none.
    """
    on_its_line = (
        select(InvoiceLine.delivery_event_id)
        .where(InvoiceLine.invoice_id.in_(invoice_ids), InvoiceLine.is_live)
        .where(InvoiceLine.delivery_event_id == DeliveryEvent.id)
        .correlate(DeliveryEvent)
        .exists()
    )
    query = (
        select(Invoice.id, func.count().label("number"))
        .join(DeliveryEvent, _of_its_month(DeliveryEvent) & (DeliveryEvent.event_status == EventStatus.BILLABLE))
        .where(Invoice.id.in_(invoice_ids), ~on_its_line, ~BY_A_DEBIT)
        .group_by(Invoice.id)
    )
    return {row.id: row.number for row in await session.execute(query)}


@dataclass(frozen=True, slots=True)
class Billed:
    """An installer's month against its invoice: the assignments on the lines in their order, and what is on none."""

    assignment_ids: tuple[UUID, ...] = ()
    unbilled_count: int = 0


NOTHING = Billed()

# The ledger's month is read once and held against the lines, whose deliveries are all of it: a trigger saw to that when
# they were added. Without MATERIALIZED the lines, too new for statistics, are looked up delivery by delivery.
_BILLED = text(
    """
    WITH lines AS MATERIALIZED (
        SELECT delivery_event_id, line_no FROM invoice_lines WHERE invoice_id = ANY(:ids) AND is_live
    )
    SELECT i.id, array_agg(d.assignment_id ORDER BY l.line_no) FILTER (WHERE l.line_no IS NOT NULL) AS assignment_ids,
           count(*) FILTER (WHERE l.line_no IS NULL AND d.event_status = 'billable' AND NOT EXISTS (
               SELECT FROM adjustment_deliveries a WHERE a.delivery_event_id = d.id AND a.is_live)) AS unbilled_count
    FROM invoices i
    JOIN delivery_events d ON d.installer_id = i.account_id
        AND d.delivered_at >= i.period_start AND d.delivered_at < i.period_end
    LEFT JOIN lines l ON l.delivery_event_id = d.id
    WHERE i.id = ANY(:ids) GROUP BY i.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


async def billed_on(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, Billed]:
    """For who issues: of locked drafts, whose lines stay as they are; a client's invoice has none and is left out."""
    rows = await session.execute(_BILLED, {"ids": list(invoice_ids)})
    return {row.id: Billed(tuple(row.assignment_ids or ()), row.unbilled_count) for row in rows}


def _of_its_month(table: Any) -> ColumnElement[bool]:
    return and_(
        table.installer_id == Invoice.account_id,
        table.delivered_at >= Invoice.period_start,
        table.delivered_at < Invoice.period_end,
    )
