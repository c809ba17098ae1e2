"""Telling which deliveries an invoice charges, so that whoever knows a delivery knows the invoice."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.billing import InvoiceDeliveriesListed
from services.billing.models import Adjustment, Invoice
from services.billing.queries import deliveries

MOST_IN_A_PART = 1_000


def parts_of(ids: Sequence[UUID]) -> int:
    """How many events list them, each of which takes a version."""
    return -(-len(ids) // MOST_IN_A_PART)


def list_invoiced(
    session: AsyncSession, issued: Sequence[Invoice], on_lines: Mapping[UUID, Sequence[UUID]], now: datetime
) -> None:
    """What stands on their lines, told by the last versions that each has; a client's invoice has no deliveries."""
    for invoice in issued:
        ids = on_lines[invoice.id]
        versions = iter(range(invoice.version - parts_of(ids) + 1, invoice.version + 1))
        _tell(session, invoice, ids, None, versions.__next__, now)


async def list_charged_late(session: AsyncSession, invoice: Invoice, debit: Adjustment, now: datetime) -> None:
    """What the debit names: most debits name none."""
    ids = await deliveries.assignments_of_debit(session, debit.id)
    _tell(session, invoice, ids, debit.id, invoice.next_version, now)


def _tell(
    session: AsyncSession,
    invoice: Invoice,
    ids: Sequence[UUID],
    adjustment_id: UUID | None,
    next_version: Callable[[], int],
    now: datetime,
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
        outbox.add(session, event, version=next_version())
