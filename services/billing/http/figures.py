"""The figures of a month over HTTP."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from litestar import get
from litestar.params import QueryParameter
from pydantic import BaseModel, Field

from chassis.clock import Clock
from chassis.console.fields import start_of
from chassis.database import Database
from chassis.http import Given, requires
from contracts.identity import Capability
from contracts.values import ProductType
from services.billing.domain import collection as measures
from services.billing.domain.periods import MONTH_PATTERN, Period
from services.billing.queries import collected, collection, figures
from services.billing.queries.collection import Collection
from services.billing.queries.figures import Month
from services.billing.settings import Settings

AskedMonth = Annotated[
    str | None,
    QueryParameter(pattern=MONTH_PATTERN, max_length=7, description="a month as 2026-03; the running one if none"),
]


class ProductFigures(BaseModel):
    product_type: ProductType
    billable_count: int
    price_cents: int
    billable_count_before: int


class InstallerFigures(BaseModel):
    installer_id: UUID
    name: str
    exclusive_count: int
    shared_count: int
    price_cents: int
    cap_used_count: int


class CreditFigures(BaseModel):
    """Ex GST, by when they were agreed to."""

    reason_code: str
    cents: int
    cents_before: int


class CapFigures(BaseModel):
    """`used_count` counts against caps; of what was released the reasons are told."""

    used_count: int
    released_count: int
    releases: dict[str, int]


class CollectionFigures(BaseModel):
    """Outstanding and overdue are as of now, whatever month is asked for; the rest is of the month, as it was kept.

    `days_sales_outstanding`: owed ÷ net sales of the last three months x their days, at the end of `until`. It is the
    `simple` one of the collection figures; None where nothing was kept or nothing was sold until then.
    """

    outstanding_cents: int
    overdue_cents: int
    until: date | None
    owed_cents: int | None
    sales_in_span_cents: int | None
    span_days: int | None
    days_sales_outstanding: float | None

    @classmethod
    def of(cls, now: Collection, kept: measures.CollectionFigures | None) -> Self:
        return cls(
            outstanding_cents=now.owed_cents,
            overdue_cents=now.overdue_cents,
            until=kept.month.until if kept else None,
            owed_cents=kept.month.owed_cents if kept else None,
            sales_in_span_cents=kept.span_sales_cents if kept else None,
            span_days=kept.span_days if kept else None,
            days_sales_outstanding=kept.simple if kept else None,
        )


class BillingFigures(BaseModel):
    """Shares are of one. `recorded_share` is of what billing was told of the part that stands in the ledger.

    Whether what was dispatched was delivered is routing's to tell.
    """

    period: str
    told_count: int
    recorded_count: int
    held_count: int
    unrecorded_count: int
    recorded_share: float | None
    products: list[ProductFigures]
    installers: list[InstallerFigures] = Field(description="the fifty with the most")
    installer_count: int
    caps: CapFigures
    credits: list[CreditFigures]
    credited_cents: int
    issued_count: int
    issued_cents: int = Field(description="with GST")
    issued_subtotal_cents: int
    credit_rate: float | None = Field(description="credited by issued, ex GST")
    collection: CollectionFigures

    @classmethod
    def of(cls, month: Month, owed: CollectionFigures) -> Self:
        return cls(
            period=month.period.name,
            told_count=month.told_count,
            recorded_count=month.recorded_count,
            held_count=month.held_count,
            unrecorded_count=month.unrecorded_count,
            recorded_share=share_of(month.recorded_count, month.told_count),
            products=_products(month),
            installers=_installers(month),
            installer_count=month.installer_count,
            caps=_caps(month),
            credits=_credits(month),
            credited_cents=month.credited_cents,
            issued_count=month.issued.count,
            issued_cents=month.issued.cents,
            issued_subtotal_cents=month.issued_subtotal_cents,
            credit_rate=share_of(month.credited_cents, month.issued_subtotal_cents),
            collection=owed,
        )


def share_of(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _products(month: Month) -> list[ProductFigures]:
    return [
        ProductFigures(
            product_type=each.product_type,
            billable_count=each.count,
            price_cents=each.cents,
            billable_count_before=each.before_count,
        )
        for each in month.products
    ]


def _installers(month: Month) -> list[InstallerFigures]:
    return [
        InstallerFigures(
            installer_id=each.installer_id,
            name=each.name,
            exclusive_count=each.exclusive_count,
            shared_count=each.shared_count,
            price_cents=each.cents,
            cap_used_count=each.cap_used_count,
        )
        for each in month.installers
    ]


def _caps(month: Month) -> CapFigures:
    releases = dict(month.releases)
    return CapFigures(used_count=month.cap_used_count, released_count=sum(releases.values()), releases=releases)


def _credits(month: Month) -> list[CreditFigures]:
    return [
        CreditFigures(reason_code=each.reason_code, cents=each.cents, cents_before=each.before_cents)
        for each in month.credited
    ]


@get("/admin/billing/figures", guards=[requires(Capability.READ_OPS)])
async def get_figures(
    database: Given[Database], clock: Given[Clock], settings: Given[Settings], month: AskedMonth = None
) -> BillingFigures:
    """What was delivered, what of caps was used, what was credited and why, and how it is collected."""
    now, zone = clock.now(), settings.zone
    period = Period.of_month(month, zone) if month else Period.months_until(now, 1, zone)[0]
    before = Period.months_until(period.start, 2, zone)[1]
    async with database.reading() as session:
        found = await figures.month(session, period, before)
        owed = await collection.collection(session, now, start_of(now.astimezone(zone).date(), zone))
        kept = await collected.latest(session, zone, min(now, period.end))
    return BillingFigures.of(found, CollectionFigures.of(owed, kept))


ROUTES = (get_figures,)
