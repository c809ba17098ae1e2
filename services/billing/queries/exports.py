"""What an operator types into Stripe, and the list behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import ProductType
from services.billing.models import Account, DeliveryEvent, Invoice, InvoiceLine
from services.billing.queries import invoices


@dataclass(frozen=True, slots=True)
class ExportedLine:
    """A line with its delivery, where it is one."""

    line: InvoiceLine
    delivered_at: datetime | None
    assignment_id: UUID | None
    lead_id: UUID | None
    product_type: ProductType | None


@dataclass(frozen=True, slots=True)
class Export:
    invoice: Invoice
    account: Account
    lines: Sequence[ExportedLine]


async def export(session: AsyncSession, invoice_id: UUID) -> Export:
    invoice, account = await invoices.with_account(session, invoice_id)
    query = (
        select(
            InvoiceLine,
            DeliveryEvent.delivered_at,
            DeliveryEvent.assignment_id,
            DeliveryEvent.lead_id,
            DeliveryEvent.product_type,
        )
        .outerjoin(DeliveryEvent, DeliveryEvent.id == InvoiceLine.delivery_event_id)
        .where(InvoiceLine.invoice_id == invoice_id)
        .order_by(InvoiceLine.line_no)
    )
    lines = [ExportedLine(*row) for row in await session.execute(query)]
    return Export(invoice, account, lines)
