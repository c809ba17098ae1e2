"""Who of an account is mailed what."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.models import Account


@dataclass(frozen=True, slots=True)
class Recipient:
    name: str
    email: str


async def of_statements(session: AsyncSession, account: Account) -> Sequence[Recipient]:
    """Who gets its statements: the billing address."""
    return [Recipient(account.billing_name or account.name, account.billing_email)]
