"""Accounts and their price plans."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import InvoiceKind
from services.billing.errors import AccountNotFound
from services.billing.models import Account, PricePlan


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
