"""Payments by what they are known by."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.models import Payment, Receipt


async def by_references(session: AsyncSession, references: Collection[str]) -> Sequence[Payment]:
    """Whichever of its two places a reference stands in: a person may have typed Stripe's id into the other one."""
    same = or_(Payment.reference.in_(references), Payment.external_payment_ref.in_(references))
    return (await session.scalars(select(Payment).where(same))).all()


async def of_receipt(
    session: AsyncSession, references: Collection[str], invoice_id: UUID, amount_cents: int
) -> Payment | None:
    """What a receipt of that reference pays for the invoice: told again, by Stripe for one, it is the same money."""
    query = (
        select(Payment)
        .join(Receipt, Receipt.id == Payment.receipt_id)
        .where(or_(Receipt.reference.in_(references), Receipt.external_payment_ref.in_(references)))
        .where(Payment.invoice_id == invoice_id, Payment.amount_cents == amount_cents)
    )
    return (await session.scalars(query)).first()


async def of_invoice(session: AsyncSession, invoice_id: UUID) -> Sequence[Payment]:
    query = select(Payment).where(Payment.invoice_id == invoice_id).order_by(Payment.received_at, Payment.id)
    return (await session.scalars(query)).all()


async def count(session: AsyncSession, invoice_id: UUID) -> int:
    return await session.scalar(select(func.count()).where(Payment.invoice_id == invoice_id)) or 0
