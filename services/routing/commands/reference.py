"""What other services say of accounts and operators, kept as it was last told: what is older than that is passed by."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

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
    capabilities: tuple[str, ...]


async def keep_accounts(session: AsyncSession, states: Sequence[AccountState]) -> None:
    """It may come before the installer itself does."""
    newest = {state.installer_id: asdict(state) for state in sorted(states, key=lambda state: state.version)}
    await _keep(session, InstallerAccount, "installer_id", newest)


async def keep_operators(session: AsyncSession, states: Sequence[OperatorState]) -> None:
    """Who is not active stays, by name: what was theirs still says so."""
    newest = {
        state.operator_id: asdict(state) | {"capabilities": list(state.capabilities)}
        for state in sorted(states, key=lambda state: state.version)
    }
    await _keep(session, KnownOperator, "operator_id", newest)


async def _keep(
    session: AsyncSession,
    table: type[InstallerAccount | KnownOperator],
    key: str,
    newest: Mapping[UUID, Mapping[str, Any]],
) -> None:
    """In the order of their keys, so that two who write the same never wait for each other."""
    if not newest:
        return
    statement = insert(table).values([dict(newest[id_]) for id_ in sorted(newest)])
    told = {name: statement.excluded[name] for name in next(iter(newest.values())) if name != key}
    newer = table.version < statement.excluded["version"]
    await session.execute(statement.on_conflict_do_update(index_elements=[key], set_=told, where=newer))
