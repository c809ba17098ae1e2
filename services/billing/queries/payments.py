"""Payments by what they are known by."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.models import Payment


async def by_reference(
    session: AsyncSession, reference: str | None, external_payment_ref: str | None
) -> Payment | None:
    same = []
    if reference is not None:
        same.append(Payment.reference == reference)
    if external_payment_ref is not None:
        same.append(Payment.external_payment_ref == external_payment_ref)
    return (await session.scalars(select(Payment).where(or_(*same)).limit(1))).one_or_none()


async def of_invoice(session: AsyncSession, invoice_id: UUID) -> Sequence[Payment]:
    query = select(Payment).where(Payment.invoice_id == invoice_id).order_by(Payment.received_at, Payment.id)
    return (await session.scalars(query)).all()


async def count(session: AsyncSession, invoice_id: UUID) -> int:
    return await session.scalar(select(func.count()).where(Payment.invoice_id == invoice_id)) or 0
