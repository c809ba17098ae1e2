"""What a credit does below the invoice: the shares of its lines, and the deliveries that nothing is left of."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.billing import DeliveryCredited
from contracts.values import CreditReason
from services.billing.commands.credit_answers import answer_credited
from services.billing.domain.adjustments import LineShare
from services.billing.domain.statuses import EventStatus
from services.billing.models import Adjustment, AdjustmentLine, DeliveryEvent, Invoice, InvoiceLine


async def credit_lines(
    session: AsyncSession, invoice: Invoice, adjustment: Adjustment, shares: Sequence[LineShare], now: datetime
) -> None:
    """Links the credit to its lines; a delivery whose line is credited whole becomes credited."""
    if not shares:
        return
    await session.execute(
        insert(AdjustmentLine),
        [
            {
                "adjustment_id": adjustment.id,
                "invoice_id": invoice.id,
                "line_no": share.line_no,
                "ex_gst_cents": share.amounts.ex_gst_cents,
                "gst_cents": share.amounts.gst_cents,
            }
            for share in shares
        ],
    )
    used_up = [share.line_no for share in shares if share.takes_all]
    credited = await _credit_deliveries(session, invoice.id, used_up, CreditReason(adjustment.reason_code), now)
    await answer_credited(session, adjustment, credited, now)


async def _credit_deliveries(
    session: AsyncSession, invoice_id: UUID, line_nos: list[int], reason: CreditReason, now: datetime
) -> list[UUID]:
    """Their assignments."""
    of_lines = select(InvoiceLine.delivery_event_id).where(
        InvoiceLine.invoice_id == invoice_id,
        InvoiceLine.line_no.in_(line_nos),
        InvoiceLine.delivery_event_id.is_not(None),
    )
    updated = await session.execute(
        update(DeliveryEvent)
        .where(DeliveryEvent.id.in_(of_lines), DeliveryEvent.event_status == EventStatus.BILLABLE)
        .values(
            event_status=EventStatus.CREDITED,
            credit_reason_code=reason,
            ended_at=now,
            version=DeliveryEvent.version + 1,
        )
        .returning(DeliveryEvent.id, DeliveryEvent.assignment_id, DeliveryEvent.installer_id, DeliveryEvent.version)
        .execution_options(synchronize_session=False)
    )
    credited = updated.all()
    for row in credited:
        event = DeliveryCredited(
            assignment_id=row.assignment_id,
            delivery_event_id=row.id,
            installer_id=row.installer_id,
            invoice_id=invoice_id,
            reason_code=reason,
            credited_at=now,
        )
        outbox.add(session, event, version=row.version)
    return [row.assignment_id for row in credited]
