"""The figures of a month by which billing is steered: what was delivered, what of caps was used, what was credited."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import AdjustmentType, CapStatus, ProductType
from services.billing.domain.periods import Period
from services.billing.domain.statuses import AdjustmentState, DocumentStatus, EventStatus
from services.billing.domain.unrecorded import Span
from services.billing.models import Account, Adjustment, DeliveryEvent, HeldDelivery, Invoice
from services.billing.queries import accounts, kpis, unrecorded
from services.billing.queries.kpis import Credited, MonthIssued

IS_BILLABLE = DeliveryEvent.event_status == EventStatus.BILLABLE
MOST_INSTALLERS = 50


@dataclass(frozen=True, slots=True)
class Delivered:
    """Of one product: those that are billable, and what they come to as they are priced."""

    product_type: ProductType
    count: int
    cents: int
    before_count: int


@dataclass(frozen=True, slots=True)
class InstallerDelivered:
    installer_id: UUID
    name: str
    exclusive_count: int
    shared_count: int
    cents: int
    cap_used_count: int


@dataclass(frozen=True, slots=True)
class Month:
    """`recorded_count` are all that stand in the ledger, whatever became of them; before is the month before."""

    period: Period
    recorded_count: int
    held_count: int
    unrecorded_count: int
    products: Sequence[Delivered]
    installers: Sequence[InstallerDelivered]
    installer_count: int
    cap_used_count: int
    releases: Sequence[tuple[str, int]]
    credited: Sequence[Credited]
    issued: MonthIssued
    issued_subtotal_cents: int

    @property
    def told_count(self) -> int:
        """Deliveries that billing was told of."""
        return self.recorded_count + self.held_count + self.unrecorded_count

    @property
    def credited_cents(self) -> int:
        return sum(each.cents for each in self.credited)


async def month(session: AsyncSession, period: Period, before: Period) -> Month:
    products = await kpis.delivered(session, period, before)
    totals = (await session.execute(_totals(period))).one()
    cents = {row.product_type: row.cents for row in await session.execute(_cents(period))}
    lost = await unrecorded.unrecorded(session)
    [issued] = await kpis.issued_in(session, [period])
    installers = (await session.execute(_installers(period))).all()
    return Month(
        period=period,
        recorded_count=totals.recorded,
        held_count=await session.scalar(_held(period)) or 0,
        unrecorded_count=lost.count_of(Span(period.start, period.end), None),
        products=[Delivered(each, here, int(cents.get(each, 0)), then) for each, (here, then) in products.items()],
        installers=[InstallerDelivered(*row[:-1]) for row in installers],
        installer_count=installers[0].installers if installers else 0,
        cap_used_count=totals.cap_used,
        releases=[(str(row.reason), row.number) for row in await session.execute(_releases(period))],
        credited=await _credited(session, period, before),
        issued=issued,
        issued_subtotal_cents=int(await session.scalar(_issued_subtotal(period)) or 0),
    )


def _in(column: Any, period: Period) -> ColumnElement[bool]:
    return and_(column >= period.start, column < period.end)


def _totals(period: Period) -> Any:
    used = func.count().filter(DeliveryEvent.cap_status == CapStatus.COUNTED)
    query = select(func.count().label("recorded"), used.label("cap_used"))
    return query.where(_in(DeliveryEvent.delivered_at, period))


def _cents(period: Period) -> Any:
    query = select(DeliveryEvent.product_type, func.sum(DeliveryEvent.unit_price_cents).label("cents"))
    return query.where(IS_BILLABLE, _in(DeliveryEvent.delivered_at, period)).group_by(DeliveryEvent.product_type)


def _installers(period: Period) -> Any:
    """Those with the most first; the last column is how many there are in all."""

    def number(product: ProductType) -> Any:
        return func.count().filter(IS_BILLABLE, DeliveryEvent.product_type == product)

    cents = func.coalesce(func.sum(DeliveryEvent.unit_price_cents).filter(IS_BILLABLE), 0)
    return (
        select(
            DeliveryEvent.installer_id,
            Account.name,
            number(ProductType.EXCLUSIVE),
            number(ProductType.SHARED),
            cents.label("cents"),
            func.count().filter(DeliveryEvent.cap_status == CapStatus.COUNTED),
            func.count().over().label("installers"),
        )
        .join(Account, Account.id == DeliveryEvent.installer_id)
        .where(_in(DeliveryEvent.delivered_at, period))
        .group_by(DeliveryEvent.installer_id, Account.name)
        .order_by(cents.desc(), Account.name, DeliveryEvent.installer_id)
        .limit(MOST_INSTALLERS)
    )


def _held(period: Period) -> Any:
    query = select(func.count()).select_from(HeldDelivery)
    return query.where(HeldDelivery.released_at.is_(None), _in(HeldDelivery.delivered_at, period))


def _releases(period: Period) -> Any:
    reason = DeliveryEvent.cap_release_reason
    return (
        select(reason.label("reason"), func.count().label("number"))
        .where(_in(DeliveryEvent.delivered_at, period), reason.is_not(None))
        .group_by(reason)
        .order_by(func.count().desc(), reason)
    )


async def _credited(session: AsyncSession, period: Period, before: Period) -> list[Credited]:
    """Ex GST, by when they were agreed to; the most costly reason of the month first. A void invoice has none left."""
    here = _in(Adjustment.decided_at, period)
    cents = func.coalesce(func.sum(case((here, Adjustment.ex_gst_cents))), 0)
    earlier = func.coalesce(func.sum(case((~here, Adjustment.ex_gst_cents))), 0)
    query = (
        select(Adjustment.reason_code, cents, earlier)
        .join(Invoice, Invoice.id == Adjustment.invoice_id)
        .where(
            Invoice.document_status != DocumentStatus.VOID,
            Adjustment.type == AdjustmentType.CREDIT,
            Adjustment.state == AdjustmentState.APPROVED,
            Adjustment.decided_at >= before.start,
            Adjustment.decided_at < period.end,
        )
        .group_by(Adjustment.reason_code)
        .order_by(cents.desc(), Adjustment.reason_code)
    )
    return [Credited(reason, int(now), int(then)) for reason, now, then in await session.execute(query)]


def _issued_subtotal(period: Period) -> Any:
    dated_at = func.coalesce(Invoice.issued_at, Invoice.created_at)
    query = select(func.sum(Invoice.subtotal_cents)).where(Invoice.document_status == DocumentStatus.ISSUED)
    return query.where(_in(dated_at, period))


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """`issued_cents` with GST, by the day of issue."""

    period: Period
    cap_used_count: int
    cap_released_count: int
    issued_cents: int
    outstanding_cents: int


async def of_account(session: AsyncSession, account_id: UUID, period: Period) -> AccountFigures:
    released = func.count().filter(DeliveryEvent.cap_status == CapStatus.RELEASED)
    used = func.count().filter(DeliveryEvent.cap_status == CapStatus.COUNTED)
    caps = select(used, released).where(
        DeliveryEvent.installer_id == account_id, _in(DeliveryEvent.delivered_at, period)
    )
    issued = select(func.coalesce(func.sum(Invoice.total_cents), 0)).where(
        Invoice.account_id == account_id,
        Invoice.document_status == DocumentStatus.ISSUED,
        _in(Invoice.issued_at, period),
    )
    cap_used, cap_released = (await session.execute(caps)).one()
    issued_cents = int(await session.scalar(issued) or 0)
    return AccountFigures(period, cap_used, cap_released, issued_cents, await accounts.owed_cents(session, account_id))


async def cap_used(session: AsyncSession, period: Period) -> int:
    """Deliveries that count against caps."""
    query = select(func.count()).where(
        DeliveryEvent.cap_status == CapStatus.COUNTED, _in(DeliveryEvent.delivered_at, period)
    )
    return await session.scalar(query) or 0
