"""Who of an account is mailed what."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.models import Account
from services.billing.queries import contacts


@dataclass(frozen=True, slots=True)
class Recipient:
    name: str
    email: str


async def of_statements(session: AsyncSession, account: Account) -> Sequence[Recipient]:
    """Who gets its statements: the billing address, and the contacts who are to have them."""
    own = Recipient(account.billing_name or account.name, account.billing_email)
    return [own, *(Recipient(each.name, each.email) for each in await contacts.of_statements(session, account))]
