"""Telling which deliveries an invoice charges, so that whoever knows a delivery knows the invoice."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.billing import InvoiceDeliveriesListed
from services.billing.models import Adjustment, Invoice
from services.billing.queries import deliveries

MOST_IN_A_PART = 1_000


async def list_invoiced(session: AsyncSession, invoice: Invoice, now: datetime) -> None:
    """What stands on its lines; a client's invoice has no deliveries, and says nothing."""
    _tell(session, invoice, await deliveries.assignments_on(session, invoice.id), None, now)


async def list_charged_late(session: AsyncSession, invoice: Invoice, debit: Adjustment, now: datetime) -> None:
    """What the debit names: most debits name none."""
    _tell(session, invoice, await deliveries.assignments_of_debit(session, debit.id), debit.id, now)


def _tell(
    session: AsyncSession, invoice: Invoice, ids: Sequence[UUID], adjustment_id: UUID | None, now: datetime
) -> None:
    for part_no, start in enumerate(range(0, len(ids), MOST_IN_A_PART), start=1):
        event = InvoiceDeliveriesListed.model_validate(
            {
                "invoice_id": invoice.id,
                "number": invoice.number,
                "kind": invoice.kind,
                "part_no": part_no,
                "assignment_ids": ids[start : start + MOST_IN_A_PART],
                "adjustment_id": adjustment_id,
                "listed_at": now,
            }
        )
        outbox.add(session, event, version=invoice.next_version())
