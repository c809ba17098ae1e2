"""Credit hold, set and lifted by finance: told at once, because leads go out by the minute."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.commands.account_news import TellingRule, tell_accounts, wait_for_who_tells
from services.billing.domain.holds import HoldAction, obstacle_to
from services.billing.models import Account
from services.billing.queries import accounts


@dataclass(frozen=True, slots=True)
class SetCreditHold:
    """`reason` is why it is set, for whoever is asked by the account; None lifts it."""

    account_id: UUID
    reason: str | None

    @property
    def action(self) -> HoldAction:
        return HoldAction.LIFT if self.reason is None else HoldAction.SET


async def set_credit_hold(session: AsyncSession, command: SetCreditHold, rule: TellingRule, now: datetime) -> Account:
    """Set while it is set, it stays as it was set first."""
    await wait_for_who_tells(session)
    account = await accounts.lock(session, command.account_id)
    if obstacle_to(command.action, is_held=account.credit_hold) is not None:
        return account
    account.credit_hold = command.reason is not None
    account.credit_hold_reason = command.reason
    account.credit_hold_since = None if command.reason is None else now
    account.updated_at = now
    await tell_accounts(session, rule, now, 1, [account.id])
    return account
