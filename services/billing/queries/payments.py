"""Payments by what they are known by."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.models import Payment


async def by_references(session: AsyncSession, references: Collection[str]) -> Sequence[Payment]:
    """Whichever of its two places a reference stands in: a person may have typed Stripe's id into the other one."""
    same = or_(Payment.reference.in_(references), Payment.external_payment_ref.in_(references))
    return (await session.scalars(select(Payment).where(same))).all()


async def of_invoice(session: AsyncSession, invoice_id: UUID) -> Sequence[Payment]:
    query = select(Payment).where(Payment.invoice_id == invoice_id).order_by(Payment.received_at, Payment.id)
    return (await session.scalars(query)).all()


async def count(session: AsyncSession, invoice_id: UUID) -> int:
    return await session.scalar(select(func.count()).where(Payment.invoice_id == invoice_id)) or 0
