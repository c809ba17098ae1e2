"""Who beside an account's own address gets its invoices and its statements."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnExpressionArgument, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.models import Account, BillingContact

IN_ORDER = (func.lower(BillingContact.name), BillingContact.id)


async def of_account(session: AsyncSession, account_id: UUID) -> Sequence[BillingContact]:
    """By their names."""
    query = select(BillingContact).where(BillingContact.account_id == account_id).order_by(*IN_ORDER)
    return (await session.scalars(query)).all()


async def invoice_copies(session: AsyncSession, account: Account) -> tuple[str, ...]:
    """Addresses that get each invoice and each note too; the account's own gets it anyway."""
    return tuple(each.email for each in await _others(session, account, BillingContact.gets_invoices))


async def of_statements(session: AsyncSession, account: Account) -> Sequence[BillingContact]:
    """Those who get each statement of account too."""
    return await _others(session, account, BillingContact.gets_statements)


async def _others(
    session: AsyncSession, account: Account, wants: ColumnExpressionArgument[bool]
) -> Sequence[BillingContact]:
    query = select(BillingContact).where(
        BillingContact.account_id == account.id,
        wants,
        func.lower(BillingContact.email) != account.billing_email.strip().lower(),
    )
    return (await session.scalars(query.order_by(*IN_ORDER))).all()
