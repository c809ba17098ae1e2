"""Who is billed: kept from the full-state events of routing and intake, completed by finance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.constraints import flush_or_refuse
from contracts.values import InvoiceKind
from services.billing.errors import StripeCustomerTaken
from services.billing.models import Account
from services.billing.queries import accounts


@dataclass(frozen=True, slots=True)
class AccountState:
    """An installer or a client in full, as its owner had it at `source_version`."""

    id: UUID
    kind: InvoiceKind
    source_version: int
    name: str
    abn: str | None
    billing_name: str
    billing_email: str
    billing_address: str | None
    gst_registered: bool | None = None
    agreed_terms_days: int | None = None


@dataclass(frozen=True, slots=True)
class SetAccount:
    """What finance knows of an account and its owner does not."""

    account_id: UUID
    terms_override_days: int | None
    stripe_customer_id: str | None


_STATE = (
    "name",
    "abn",
    "billing_name",
    "billing_email",
    "billing_address",
    "gst_registered",
    "agreed_terms_days",
    "source_version",
    "updated_at",
)


async def apply_account_states(session: AsyncSession, states: Sequence[AccountState], now: datetime) -> None:
    """Each is applied iff it is newer than what is known; what finance set stays."""
    newest = {state.id: state for state in sorted(states, key=lambda state: state.source_version)}
    values = [
        {name: getattr(state, name) for name in ("id", "kind", *_STATE[:-1])} | {"created_at": now, "updated_at": now}
        for _, state in sorted(newest.items())
    ]
    statement = insert(Account).values(values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={name: statement.excluded[name] for name in _STATE},
            where=Account.source_version < statement.excluded.source_version,
        )
    )


async def set_account(session: AsyncSession, command: SetAccount, now: datetime) -> Account:
    account = await accounts.lock(session, command.account_id)
    account.terms_override_days = command.terms_override_days
    account.stripe_customer_id = command.stripe_customer_id
    account.updated_at = now
    taken = StripeCustomerTaken(
        f"{command.stripe_customer_id} belongs to another account", account_id=command.account_id
    )
    await flush_or_refuse(session, {"uq_accounts_stripe_customer_id": taken})
    return account
