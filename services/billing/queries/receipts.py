"""Receipts and what they are split over, and what went back of them and of payments."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.allocation import Owed
from services.billing.errors import PaymentNotFound, ReceiptNotFound
from services.billing.models import Invoice, Payment, PaymentReversal, Receipt
from services.billing.queries.standings import IS_OWED


async def find(session: AsyncSession, receipt_id: UUID) -> Receipt:
    return ReceiptNotFound.unless(
        await session.get(Receipt, receipt_id), "billing has no such receipt", receipt_id=receipt_id
    )


async def find_payment(session: AsyncSession, payment_id: UUID) -> Payment:
    return PaymentNotFound.unless(
        await session.get(Payment, payment_id), "billing has no such payment", payment_id=payment_id
    )


async def by_references(session: AsyncSession, references: Collection[str]) -> Sequence[Receipt]:
    same = or_(Receipt.reference.in_(references), Receipt.external_payment_ref.in_(references))
    return (await session.scalars(select(Receipt).where(same))).all()


async def wait_for_others(session: AsyncSession, account_id: UUID) -> None:
    """One receipt of an account after the other: the same one sent twice at once meets itself here."""
    key = {"key": f"billing.receipts:{account_id}"}
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), key)


async def owed(session: AsyncSession, account_id: UUID) -> list[Owed]:
    """What the account owes on; an issued invoice has its number and its day."""
    query = select(Invoice.id, Invoice.number, Invoice.due_at, Invoice.balance_cents)
    query = query.where(Invoice.account_id == account_id, IS_OWED)
    found = await session.execute(query)
    return [Owed(id_, number, due_at, cents) for id_, number, due_at, cents in found if number and due_at]


async def lock_invoices(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, Invoice]:
    """In the order of their ids, so that two who take several never wait for each other crosswise."""
    query = select(Invoice).where(Invoice.id.in_(invoice_ids)).order_by(Invoice.id).with_for_update()
    found = await session.scalars(query.execution_options(populate_existing=True))
    return {invoice.id: invoice for invoice in found}


async def lock_owed(session: AsyncSession, account_id: UUID) -> dict[UUID, Invoice]:
    query = select(Invoice).where(Invoice.account_id == account_id, IS_OWED).order_by(Invoice.id).with_for_update()
    found = await session.scalars(query.execution_options(populate_existing=True))
    return {invoice.id: invoice for invoice in found}


async def is_at_stripe(session: AsyncSession, payment: Payment) -> bool:
    """By its own id there, or by that of what it came in with."""
    if payment.receipt_id is None:
        return payment.external_payment_ref is not None
    return (await find(session, payment.receipt_id)).external_payment_ref is not None


async def payments_of(session: AsyncSession, receipt_id: UUID) -> Sequence[Payment]:
    query = select(Payment).where(Payment.receipt_id == receipt_id).order_by(Payment.id)
    return (await session.scalars(query)).all()


async def reversals(session: AsyncSession, reversal_ids: Collection[UUID]) -> Sequence[PaymentReversal]:
    query = select(PaymentReversal).where(PaymentReversal.id.in_(reversal_ids))
    return (await session.scalars(query.order_by(PaymentReversal.id))).all()


async def gone_back(session: AsyncSession, payment_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """What went back of each; those of which nothing did are left out."""
    query = (
        select(PaymentReversal.payment_id, func.sum(PaymentReversal.amount_cents))
        .where(PaymentReversal.payment_id.in_(payment_ids))
        .group_by(PaymentReversal.payment_id)
    )
    return {payment_id: int(cents) for payment_id, cents in await session.execute(query) if payment_id is not None}


async def rest_gone_back(session: AsyncSession, receipt_id: UUID) -> int:
    gone = func.coalesce(func.sum(PaymentReversal.amount_cents), 0)
    return int(await session.scalar(select(gone).where(PaymentReversal.receipt_id == receipt_id)) or 0)


async def reversals_of(
    session: AsyncSession, payment_ids: Collection[UUID], receipt_ids: Collection[UUID] = ()
) -> Sequence[PaymentReversal]:
    """The first one first."""
    about = or_(PaymentReversal.payment_id.in_(payment_ids), PaymentReversal.receipt_id.in_(receipt_ids))
    query = select(PaymentReversal).where(about).order_by(PaymentReversal.reversed_at, PaymentReversal.id)
    return (await session.scalars(query)).all()
