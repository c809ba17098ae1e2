"""Accounts and price plans over HTTP."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from litestar import Response, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import GstTreatment, InvoiceKind
from services.billing.commands.accounts import SetAccount, set_account
from services.billing.commands.house import House, terms_days
from services.billing.commands.price_plans import AddPricePlan, Prices, add_price_plan
from services.billing.http.fields import PriceCents, StripeCustomerId
from services.billing.models import Account, PricePlan
from services.billing.queries import accounts, listings
from services.billing.settings import Settings


class AccountView(BaseModel):
    """`terms_days` is what holds; `terms_override_days` is finance's own word, where there is one.

    `customer_credit_cents` is what the customer has with us: it can pay for its invoices.
    """

    id: UUID
    kind: InvoiceKind
    name: str
    abn: str | None
    gst_registered: bool | None
    billing_name: str
    billing_email: str
    billing_address: str | None
    terms_days: int
    terms_override_days: int | None
    stripe_customer_id: str | None
    customer_credit_cents: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, account: Account, house: House) -> Self:
        own = {name: getattr(account, name) for name in cls.model_fields if hasattr(account, name)}
        return cls(**own, terms_days=terms_days(account, house))


class AccountSettings(Body):
    """Both are set as given; null takes one back."""

    terms_override_days: Annotated[int, Field(ge=0, le=365)] | None
    stripe_customer_id: StripeCustomerId | None


class PricePlanView(BaseModel):
    """A version; it ends where the next one begins. Without prices it closes the one before it."""

    id: UUID
    installer_id: UUID
    effective_from: datetime
    effective_to: datetime | None
    exclusive_price_cents: int | None
    shared_price_cents: int | None
    currency: str
    gst_treatment: GstTreatment
    includes_gst: bool
    created_by: str
    created_at: datetime

    @classmethod
    def of(cls, plan: PricePlan, effective_to: datetime | None) -> Self:
        own = {name: getattr(plan, name) for name in cls.model_fields if hasattr(plan, name)}
        return cls(**own, effective_to=effective_to)


class AddedPlanView(PricePlanView):
    """`released_assignment_ids` are the held deliveries that it priced."""

    released_assignment_ids: list[UUID]


class NewPricePlan(Body):
    """With both prices a new version, with neither an early end of the version before it."""

    effective_from: AwareInstant
    exclusive_price_cents: PriceCents | None = None
    shared_price_cents: PriceCents | None = None
    gst_treatment: GstTreatment = GstTreatment.TAXABLE

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.exclusive_price_cents is None) != (self.shared_price_cents is None):
            raise PydanticCustomError("prices_incomplete", "Give both prices, or neither to end the version before")
        return self

    def prices(self, includes_gst: bool) -> Prices | None:
        if self.exclusive_price_cents is None or self.shared_price_cents is None:
            return None
        return Prices(self.exclusive_price_cents, self.shared_price_cents, self.gst_treatment, includes_gst)


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
        account = await set_by_operator(session, command, operator, clock.now())
    return AccountView.of(account, house)


async def set_by_operator(session: AsyncSession, command: SetAccount, operator: Operator, now: datetime) -> Account:
    before = await accounts.find(session, command.account_id)
    was = {name: getattr(before, name) for name in AccountSettings.model_fields}
    account = await set_account(session, command, now)
    await audit.record(
        session,
        actor=operator,
        action="set_account",
        subject=Subject("account", command.account_id),
        before=was,
        after={name: getattr(command, name) for name in was},
    )
    return account


@get("/admin/installers/{installer_id:uuid}/price-plans", guards=[requires(Capability.READ_OPS)])
async def list_price_plans(installer_id: FromPath[UUID], database: Given[Database]) -> list[PricePlanView]:
    """Every version, the first one first."""
    async with database.reading() as session:
        await accounts.find(session, installer_id, InvoiceKind.INSTALLER)
        plans = await accounts.price_plans(session, installer_id)
    ends = [*(plan.effective_from for plan in plans[1:]), None]
    # Without any version there is one end too many.
    return [PricePlanView.of(plan, end) for plan, end in zip(plans, ends, strict=False)]


@post(
    "/admin/installers/{installer_id:uuid}/price-plans",
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
)
async def post_price_plan(
    installer_id: FromPath[UUID],
    data: JSONBody[NewPricePlan],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    house: Given[House],
    operator: Given[Operator],
) -> Response[AddedPlanView]:
    """Adds a version. It prices held deliveries that it covers and never one that is in the ledger."""
    prices = data.prices(settings.prices_include_gst)
    async with database.transaction() as session:
        command = AddPricePlan(installer_id, data.effective_from, prices, operator.name)
        added = await add_price_plan(session, command, house.approval, clock.now())
        plans = await accounts.price_plans(session, installer_id)
        if added.is_new:
            await audit.record(
                session,
                actor=operator,
                action="add_price_plan",
                subject=Subject("installer", installer_id),
                after=data.model_dump() | {"released": added.released},
            )
    following = (plan.effective_from for plan in plans if plan.effective_from > added.plan.effective_from)
    plan = PricePlanView.of(added.plan, next(following, None))
    return Response(AddedPlanView(**plan.model_dump(), released_assignment_ids=added.released))


ROUTES = (list_accounts, get_account, put_account, list_price_plans, post_price_plan)
