"""Experts over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post, put
from litestar.params import FromPath, JSONBody
from pydantic import AfterValidator, BaseModel, EmailStr, Field, StringConstraints
from pydantic_core import PydanticCustomError

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.abn import is_abn
from contracts.identity import Capability
from services.payouts import queries
from services.payouts.commands import experts as commands
from services.payouts.commands.experts import ExpertChange, ExpertProfile
from services.payouts.domain import PayoutMethod
from services.payouts.models import Expert

StripeAccountId = Annotated[str, Field(pattern=r"^acct_[A-Za-z0-9]{1,64}$", max_length=70)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1, description="of the profile that was seen")]


def _abn(given: str) -> str:
    digits = "".join(given.split())
    if not is_abn(digits):
        raise PydanticCustomError("abn_invalid", "Input should be an ABN of 11 digits whose check digits are right")
    return digits


Abn = Annotated[Line, StringConstraints(max_length=20), AfterValidator(_abn)]


class ExpertBody(Body):
    name: Line
    email: Annotated[EmailStr, Field(max_length=254)]
    abn: Abn | None = None
    payout_method: Annotated[PayoutMethod, Field(strict=False)] = PayoutMethod.STRIPE_CONNECT
    stripe_account_id: StripeAccountId | None = None
    is_active: bool = True

    def profile(self) -> ExpertProfile:
        return ExpertProfile(
            name=self.name,
            email=self.email.lower(),
            abn=self.abn,
            payout_method=self.payout_method,
            stripe_account_id=self.stripe_account_id,
            is_active=self.is_active,
        )


class ExpertChangeBody(ExpertBody):
    """The whole profile; refused where somebody else has changed it since `version` was seen."""

    version: Version


class ExpertView(BaseModel):
    id: UUID
    name: str
    email: str
    abn: str | None
    payout_method: PayoutMethod
    stripe_account_id: str | None
    is_active: bool
    can_be_paid: bool | None
    cannot_be_paid_reason: str | None
    payability_checked_at: datetime | None
    version: int
    created_at: datetime

    @classmethod
    def of(cls, expert: Expert) -> "ExpertView":
        return cls.model_validate(expert, from_attributes=True)


def place_of(row: Expert) -> tuple[datetime, UUID]:
    return row.created_at, row.id


@post("/admin/experts", guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)])
async def add_expert(
    data: JSONBody[ExpertBody], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> ExpertView:
    async with database.transaction() as session:
        expert = await commands.add_expert(session, data.profile(), clock.now())
        view = ExpertView.of(expert)
        await audit.record(
            session,
            actor=operator,
            action="add_expert",
            subject=Subject("expert", expert.id),
            after=view.model_dump(mode="json"),
        )
    return view


@put("/admin/experts/{expert_id:uuid}", guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)])
async def change_expert(
    expert_id: FromPath[UUID], data: JSONBody[ExpertChangeBody], database: Given[Database], operator: Given[Operator]
) -> ExpertView:
    """Where the money goes is part of it, so it takes a fresh second factor."""
    change = ExpertChange(expert_id, data.version, data.profile())
    async with database.transaction() as session:
        return ExpertView.of(await commands.change_expert(session, change, operator))


@get("/admin/experts", guards=[requires(Capability.READ_OPS)])
async def list_experts(database: Given[Database], page: Given[PageRequest]) -> Page[ExpertView]:
    async with database.reading() as session:
        return page.page(await queries.experts.list_experts(session, page), place_of, ExpertView.of)


@get("/admin/experts/{expert_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_expert(expert_id: FromPath[UUID], database: Given[Database]) -> ExpertView:
    async with database.reading() as session:
        return ExpertView.of(await queries.experts.expert(session, expert_id))


ROUTES = (add_expert, change_expert, list_experts, get_expert)
