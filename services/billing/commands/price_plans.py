"""Prices as versions: one ends where the next begins, so that two can never overlap."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.ids import new_id
from contracts.books import PricePlanAdded
from contracts.values import GstTreatment, InvoiceKind
from services.billing.commands.adjustments import ApprovalRule
from services.billing.commands.credit_requests import wait_for_who_asks
from services.billing.commands.deliveries import release_held
from services.billing.commands.pricing import lock_prices
from services.billing.domain.journal import CURRENCY
from services.billing.domain.periods import Period
from services.billing.domain.price_changes import PriceChange, Prices
from services.billing.errors import PlanVersionExists
from services.billing.models import PricePlan
from services.billing.queries import accounts, price_changes

FIRST_VERSION = 1


@dataclass(frozen=True, slots=True)
class AddPricePlan:
    """From `effective_from` on; without prices it closes the version before it early."""

    installer_id: UUID
    effective_from: datetime
    prices: Prices | None
    by: str


@dataclass(frozen=True, slots=True)
class AddedPricePlan:
    plan: PricePlan
    released: list[UUID]
    """Assignments whose held deliveries it priced."""
    is_new: bool


@dataclass(frozen=True, slots=True)
class PreviewedPlan:
    """Half-open as a version is. One that is there already, with these prices, would change nothing."""

    effective_to: datetime | None
    change: PriceChange
    is_new: bool


async def preview_price_plan(session: AsyncSession, command: AddPricePlan, month: Period) -> PreviewedPlan:
    """What adding it would do, in the running month too; refused where adding it would be."""
    await accounts.find(session, command.installer_id, InvoiceKind.INSTALLER)
    existing = await session.get(PricePlan, (command.installer_id, command.effective_from))
    if existing is not None:
        _refuse_other_content(existing, command)
    ends = await price_changes.ends_at(session, command.installer_id, command.effective_from)
    window = (command.effective_from, ends)
    change = await price_changes.change_of(session, command.installer_id, window, command.prices, month)
    return PreviewedPlan(ends, change, is_new=existing is None)


async def add_price_plan(
    session: AsyncSession, command: AddPricePlan, rule: ApprovalRule, now: datetime
) -> AddedPricePlan:
    """Prices held deliveries that it covers; recorded ones keep their price, wherever it starts."""
    await accounts.find(session, command.installer_id, InvoiceKind.INSTALLER)
    await wait_for_who_asks(session)
    await lock_prices(session, [command.installer_id])
    existing = await session.get(PricePlan, (command.installer_id, command.effective_from))
    if existing is not None:
        _refuse_other_content(existing, command)
        return AddedPricePlan(existing, [], is_new=False)
    plan = _plan(command, now)
    session.add(plan)
    await session.flush()
    outbox.add(session, _event(plan), version=FIRST_VERSION)
    released = await release_held(session, command.installer_id, rule, now)
    return AddedPricePlan(plan, released, is_new=True)


def _plan(command: AddPricePlan, now: datetime) -> PricePlan:
    prices = command.prices
    return PricePlan(
        installer_id=command.installer_id,
        effective_from=command.effective_from,
        id=new_id(),
        exclusive_price_cents=prices.exclusive_cents if prices else None,
        shared_price_cents=prices.shared_cents if prices else None,
        currency=CURRENCY,
        gst_treatment=prices.gst_treatment if prices else GstTreatment.TAXABLE,
        includes_gst=prices.includes_gst if prices else False,
        created_by=command.by,
        created_at=now,
    )


def _event(plan: PricePlan) -> PricePlanAdded:
    return PricePlanAdded(
        subject_id=plan.id,
        installer_id=plan.installer_id,
        effective_from=plan.effective_from,
        exclusive_price_cents=plan.exclusive_price_cents,
        shared_price_cents=plan.shared_price_cents,
        currency=CURRENCY,
        gst_treatment=plan.gst_treatment,
        includes_gst=plan.includes_gst,
        added_by_name=plan.created_by,
        added_at=plan.created_at,
    )


def _refuse_other_content(existing: PricePlan, command: AddPricePlan) -> None:
    there = None
    if existing.exclusive_price_cents is not None and existing.shared_price_cents is not None:
        there = Prices(
            existing.exclusive_price_cents, existing.shared_price_cents, existing.gst_treatment, existing.includes_gst
        )
    if there != command.prices:
        raise PlanVersionExists(
            "a version from this instant has other prices, and versions are written once",
            price_plan_id=existing.id,
            installer_id=command.installer_id,
        )
