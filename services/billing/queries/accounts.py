"""Accounts and their price plans."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import InvoiceKind
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import AccountNotFound
from services.billing.models import Account, HeldDelivery, Invoice, PricePlan


async def find(session: AsyncSession, account_id: UUID, kind: InvoiceKind | None = None) -> Account:
    account = await session.get(Account, account_id)
    if account is None or kind not in {None, account.kind}:
        raise AccountNotFound("billing knows no such account", account_id=account_id)
    return account


async def lock(session: AsyncSession, account_id: UUID) -> Account:
    return AccountNotFound.unless(
        await session.get(Account, account_id, with_for_update=True, populate_existing=True),
        "billing knows no such account",
        account_id=account_id,
    )


async def lock_credit(session: AsyncSession, account_id: UUID) -> Account:
    """For a change of the customer's credit; who only refers to the account does not wait."""
    for_update = {"key_share": True}
    return await session.get_one(Account, account_id, with_for_update=for_update, populate_existing=True)


async def price_plans(session: AsyncSession, installer_id: UUID) -> Sequence[PricePlan]:
    """All versions, the first one first."""
    query = select(PricePlan).where(PricePlan.installer_id == installer_id).order_by(PricePlan.effective_from)
    return (await session.scalars(query)).all()


async def price_plan_before(session: AsyncSession, installer_id: UUID, instant: datetime) -> PricePlan | None:
    """The version in force until then, whether it has prices or ends them."""
    query = select(PricePlan).where(PricePlan.installer_id == installer_id, PricePlan.effective_from < instant)
    return await session.scalar(query.order_by(PricePlan.effective_from.desc()).limit(1))


async def owed_cents(session: AsyncSession, account_id: UUID) -> int:
    """By all its invoices."""
    owed = select(func.coalesce(func.sum(Invoice.balance_cents), 0)).where(
        Invoice.account_id == account_id, Invoice.document_status == DocumentStatus.ISSUED
    )
    return int(await session.scalar(owed) or 0)


async def latest_invoices(session: AsyncSession, account_id: UUID, limit: int) -> Sequence[Invoice]:
    query = select(Invoice).where(Invoice.account_id == account_id)
    query = query.order_by(Invoice.created_at.desc(), Invoice.id.desc()).limit(limit)
    return (await session.scalars(query)).all()


async def held(session: AsyncSession, installer_id: UUID, limit: int) -> Sequence[HeldDelivery]:
    """Deliveries that wait for a price of this installer's, the oldest first."""
    waiting = HeldDelivery.released_at.is_(None)
    query = select(HeldDelivery).where(HeldDelivery.installer_id == installer_id, waiting)
    return (await session.scalars(query.order_by(HeldDelivery.delivered_at).limit(limit))).all()
