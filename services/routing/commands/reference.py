"""What other services say of accounts and operators, kept as it was last told: what is older than that is passed by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.replicas import keep_newest
from services.routing.models import InstallerAccount, KnownOperator


@dataclass(frozen=True, slots=True)
class AccountState:
    """What stands with an installer at billing, as of the account's `version`."""

    installer_id: UUID
    version: int
    has_prices: bool
    credit_hold: bool
    credit_hold_reason: str | None
    outstanding_cents: int
    overdue_cents: int
    is_collectable: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class OperatorState:
    """Who may see to the queue, as of the operator's `version`."""

    operator_id: UUID
    version: int
    name: str
    email: str
    is_active: bool
    capabilities: list[str]


async def keep_accounts(session: AsyncSession, states: Sequence[AccountState]) -> None:
    """It may come before the installer itself does."""
    await keep_newest(session, InstallerAccount, states)


async def keep_operators(session: AsyncSession, states: Sequence[OperatorState]) -> None:
    """Who is not active stays, by name: what was theirs when it ended still says so."""
    await keep_newest(session, KnownOperator, states)
