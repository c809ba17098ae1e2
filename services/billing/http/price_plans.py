"""Prices of installers over HTTP: their versions, what a new one would change, and adding it."""

from datetime import datetime
from typing import Self
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from contracts.identity import Capability
from contracts.values import GstTreatment, InvoiceKind
from services.billing.commands.house import House
from services.billing.commands.price_plans import (
    AddedPricePlan,
    AddPricePlan,
    PreviewedPlan,
    add_price_plan,
    preview_price_plan,
)
from services.billing.domain.periods import Period
from services.billing.domain.price_changes import Effect, Prices
from services.billing.http.fields import Note, PriceCents
from services.billing.models import PricePlan
from services.billing.queries import accounts
from services.billing.settings import Settings

SUBJECT = "installer"
"""What the audit of prices is about."""


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


class TriedPricePlan(Body):
    """With both prices a new version, with neither an early end of the version before it."""

    effective_from: AwareInstant
    exclusive_price_cents: PriceCents | None = None
    shared_price_cents: PriceCents | None = None
    gst_treatment: GstTreatment = GstTreatment.TAXABLE
    reason: Note | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.exclusive_price_cents is None) != (self.shared_price_cents is None):
            raise PydanticCustomError("prices_incomplete", "Give both prices, or neither to end the version before")
        return self

    def prices(self, includes_gst: bool) -> Prices | None:
        if self.exclusive_price_cents is None or self.shared_price_cents is None:
            return None
        return Prices(self.exclusive_price_cents, self.shared_price_cents, self.gst_treatment, includes_gst)


class NewPricePlan(TriedPricePlan):
    """The version that was looked at, and why it is added."""

    reason: Note = Field(description="why: it stands in the audit")


class EffectView(BaseModel):
    """Deliveries, what they come to ex GST at their own prices, and what they would at the new ones.

    Without new prices there is nothing to compare with.
    """

    count: int
    exclusive_count: int
    shared_count: int
    cents: int
    cents_at_new_prices: int | None
    difference_cents: int | None

    @classmethod
    def of(cls, effect: Effect) -> Self:
        return cls(**{name: getattr(effect, name) for name in cls.model_fields})


class PricePlanPreview(BaseModel):
    """What adding the version would change. Nothing that is delivered and priced: that keeps its price for ever."""

    installer_id: UUID
    effective_from: datetime
    effective_to: datetime | None
    is_new: bool = Field(description="false where this very version is there already")
    issued_kept: EffectView = Field(description="delivered in its time and invoiced: they keep their prices")
    unbilled_kept: EffectView = Field(description="delivered in its time, on no issued invoice: they keep theirs too")
    held_priced: EffectView = Field(description="held deliveries of its time, which would have a price at once")
    held_left_count: int = Field(description="held deliveries that would wait on")
    month: EffectView = Field(description="the running month so far: what a month of this mix comes to, and would")

    @classmethod
    def of(cls, command: AddPricePlan, found: PreviewedPlan) -> Self:
        change = found.change
        return cls(
            installer_id=command.installer_id,
            effective_from=command.effective_from,
            effective_to=found.effective_to,
            is_new=found.is_new,
            issued_kept=EffectView.of(change.issued),
            unbilled_kept=EffectView.of(change.unbilled),
            held_priced=EffectView.of(change.priced),
            held_left_count=change.left_held_count,
            month=EffectView.of(change.month),
        )


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
    "/admin/installers/{installer_id:uuid}/price-plans/preview",
    status_code=200,
    guards=[requires(Capability.READ_OPS)],
)
async def post_price_plan_preview(
    installer_id: FromPath[UUID],
    data: JSONBody[TriedPricePlan],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> PricePlanPreview:
    """What adding the version would change. Looking changes nothing; it is refused where adding it would be."""
    command = AddPricePlan(installer_id, data.effective_from, data.prices(settings.prices_include_gst), operator.name)
    async with database.reading() as session:
        (month,) = Period.months_until(clock.now(), 1, settings.zone)
        return PricePlanPreview.of(command, await preview_price_plan(session, command, month))


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
    command = AddPricePlan(installer_id, data.effective_from, data.prices(settings.prices_include_gst), operator.name)
    async with database.transaction() as session:
        added = await add_by_operator(session, command, data.reason, house, operator, clock.now())
        plans = await accounts.price_plans(session, installer_id)
    following = (plan.effective_from for plan in plans if plan.effective_from > added.plan.effective_from)
    plan = PricePlanView.of(added.plan, next(following, None))
    return Response(AddedPlanView(**plan.model_dump(), released_assignment_ids=added.released))


async def add_by_operator(
    session: AsyncSession, command: AddPricePlan, reason: str, house: House, operator: Operator, now: datetime
) -> AddedPricePlan:
    """The audit has beside it the prices that were in force at its instant until then."""
    added = await add_price_plan(session, command, house.approval, now)
    if added.is_new:
        before = await accounts.price_plan_before(session, command.installer_id, command.effective_from)
        await audit.record(
            session,
            actor=operator,
            action="add_price_plan",
            subject=Subject(SUBJECT, command.installer_id),
            before=_prices(before),
            after=_prices(added.plan) | {"effective_from": command.effective_from, "released": added.released},
            reason_text=reason,
        )
    return added


def _prices(plan: PricePlan | None) -> dict[str, object]:
    told = ("exclusive_price_cents", "shared_price_cents", "gst_treatment", "includes_gst")
    return {name: getattr(plan, name) for name in told} if plan is not None else {}


ROUTES = (list_price_plans, post_price_plan_preview, post_price_plan)
