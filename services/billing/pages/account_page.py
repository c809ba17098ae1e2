"""What an account's page is made of: what its actions, notes and sections share, and how each is given it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.console import Console
from chassis.console.actions import Action
from chassis.console.documents import Note, Section
from chassis.console.timeline import seen_of
from chassis.http import Operator
from contracts.values import InvoiceKind
from services.billing.commands.house import House
from services.billing.models import Account, HeldDelivery, PricePlan
from services.billing.pages.doors import account_path
from services.billing.queries import accounts
from services.billing.settings import Settings

MOST_HELD = 500


@dataclass(frozen=True, slots=True)
class AccountPage:
    """A part that needs more than this reads it by the session."""

    session: AsyncSession
    console: Console
    operator: Operator
    house: House
    settings: Settings
    now: datetime
    account: Account
    plans: Sequence[PricePlan]
    held: Sequence[HeldDelivery]
    owed_cents: int
    seen: str

    @property
    def is_installer(self) -> bool:
        return self.account.kind is InvoiceKind.INSTALLER

    @property
    def path(self) -> str:
        return account_path(self.account.id)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.console.wording.zone).date()


MakeAction = Callable[[AccountPage], Awaitable[Action | None]]
MakeNote = Callable[[AccountPage], Awaitable[Note | None]]
MakeSection = Callable[[AccountPage], Awaitable[Section | None]]
"""None where it does not concern the account, as prices do not concern a client."""


async def read_page(
    session: AsyncSession,
    account_id: UUID,
    console: Console,
    operator: Operator,
    house: House,
    settings: Settings,
    now: datetime,
) -> AccountPage:
    return AccountPage(
        session=session,
        console=console,
        operator=operator,
        house=house,
        settings=settings,
        now=now,
        account=await accounts.find(session, account_id),
        plans=await accounts.price_plans(session, account_id),
        held=await accounts.held(session, account_id, MOST_HELD),
        owed_cents=await accounts.owed_cents(session, account_id),
        seen=await seen_of(session, Subject("account", account_id)),
    )
