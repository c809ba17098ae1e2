"""What has a printed number: invoices of both kinds, and adjustment notes."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import InvoiceKind
from services.billing.models import Adjustment, Invoice


async def invoices(session: AsyncSession, numbers: Collection[str]) -> Sequence[Row[str | None, UUID, InvoiceKind]]:
    query = select(Invoice.number, Invoice.id, Invoice.kind).where(Invoice.number.in_(numbers))
    return (await session.execute(query)).all()


async def notes(session: AsyncSession, numbers: Collection[str]) -> Sequence[Row[str | None, UUID]]:
    query = select(Adjustment.number, Adjustment.id).where(Adjustment.number.in_(numbers))
    return (await session.execute(query)).all()
