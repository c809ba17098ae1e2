"""Accounts over HTTP."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from litestar import get, put
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.accounts import SetAccount, set_account
from services.billing.commands.house import House, terms_days
from services.billing.domain.abn import AbnCheck, check_of
from services.billing.http.fields import Note, StripeCustomerId
from services.billing.models import Account
from services.billing.queries import accounts, listings


class AccountView(BaseModel):
    """`terms_days` is what holds; `terms_override_days` is finance's own word, where there is one.

    `customer_credit_cents` is what the customer has with us: it can pay for its invoices. `abn_check` is of its check
    digits. While `credit_hold` is set an installer gets no leads.
    """

    id: UUID
    kind: InvoiceKind
    name: str
    abn: str | None
    abn_check: AbnCheck
    gst_registered: bool | None
    billing_name: str
    billing_email: str
    billing_address: str | None
    terms_days: int
    terms_override_days: int | None
    stripe_customer_id: str | None
    customer_credit_cents: int
    credit_hold: bool
    credit_hold_reason: str | None
    credit_hold_since: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, account: Account, house: House) -> Self:
        own = {name: getattr(account, name) for name in cls.model_fields if hasattr(account, name)}
        return cls(**own, terms_days=terms_days(account, house), abn_check=check_of(account.abn))


class AccountSettings(Body):
    """Both are set as given; null takes one back. `reason` stands in the audit."""

    terms_override_days: Annotated[int, Field(ge=0, le=365)] | None
    stripe_customer_id: StripeCustomerId | None
    reason: Note | None = None


@get("/admin/billing/accounts", guards=[requires(Capability.READ_OPS)])
async def list_accounts(
    database: Given[Database],
    page: Given[PageRequest],
    house: Given[House],
    kind: FromQuery[InvoiceKind | None] = None,
) -> Page[AccountView]:
    """Installers and clients, those that came last first."""
    async with database.reading() as session:
        found = await listings.accounts(session, page, kind)
    return page.page(found, lambda row: (row.created_at, row.id), lambda row: AccountView.of(row, house))


@get("/admin/billing/accounts/{account_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_account(account_id: FromPath[UUID], database: Given[Database], house: Given[House]) -> AccountView:
    async with database.reading() as session:
        return AccountView.of(await accounts.find(session, account_id), house)


@put("/admin/billing/accounts/{account_id:uuid}", guards=[requires(Capability.MANAGE_BILLING_OPS)])
async def put_account(
    account_id: FromPath[UUID],
    data: JSONBody[AccountSettings],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> AccountView:
    """Terms and Stripe customer of an account; all else is its owner's to change."""
    command = SetAccount(account_id, data.terms_override_days, data.stripe_customer_id)
    async with database.transaction() as session:
        account = await set_by_operator(session, command, data.reason, operator, clock.now())
    return AccountView.of(account, house)


async def set_by_operator(
    session: AsyncSession, command: SetAccount, reason: str | None, operator: Operator, now: datetime
) -> Account:
    """What stands already is left as it is, and leaves no entry."""
    was = _settings(await accounts.lock(session, command.account_id))
    account = await set_account(session, command, now)
    if _settings(account) != was:
        await audit.record(
            session,
            actor=operator,
            action="set_account",
            subject=Subject("account", command.account_id),
            before=was,
            after=_settings(account),
            reason_text=reason,
        )
    return account


def _settings(account: Account) -> dict[str, object]:
    return {name: getattr(account, name) for name in ("terms_override_days", "stripe_customer_id")}


ROUTES = (list_accounts, get_account, put_account)
