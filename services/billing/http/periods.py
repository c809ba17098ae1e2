"""What a month comes to, over HTTP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import get, post
from litestar.params import FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Given, requires
from contracts.identity import Capability
from contracts.values import GstTreatment, ProductType
from services.billing.domain.month_close import DraftingObstacle, Outlier, obstacle_to_drafting
from services.billing.domain.periods import MONTH_PATTERN, Period
from services.billing.domain.statuses import DocumentStatus
from services.billing.domain.unrecorded import Span
from services.billing.http.months import MonthBody, month_of
from services.billing.queries import outliers, unrecorded
from services.billing.queries.outliers import Compared
from services.billing.queries.periods import Preview
from services.billing.settings import Settings


class PriceGroup(BaseModel):
    product_type: ProductType
    unit_price_cents: int
    gst_treatment: GstTreatment
    includes_gst: bool
    count: int


class InstallerPreview(BaseModel):
    """What the invoice of the installer's whole month comes to, whether there is one already or not.

    `usual_subtotal_cents` is the median of up to six former months, 0 without any; `outlier` is how it is unlike them.
    """

    installer_id: UUID
    installer_name: str | None
    groups: list[PriceGroup]
    delivery_count: int
    unbilled_count: int
    held_count: int
    subtotal_cents: int
    gst_cents: int
    total_cents: int
    usual_subtotal_cents: int = 0
    outlier: Outlier | None = None
    invoice_id: UUID | None
    document_status: DocumentStatus | None

    @classmethod
    def of(cls, preview: Preview, compared: Compared) -> Self:
        amounts = preview.amounts
        return cls(
            installer_id=preview.installer_id,
            installer_name=preview.installer_name,
            groups=[PriceGroup.model_validate(group, from_attributes=True) for group in preview.groups],
            delivery_count=sum(group.count for group in preview.groups),
            unbilled_count=preview.unbilled_count,
            held_count=preview.held_count,
            subtotal_cents=amounts.ex_gst_cents,
            gst_cents=amounts.gst_cents,
            total_cents=amounts.inc_gst_cents,
            usual_subtotal_cents=compared.usual_cents,
            outlier=compared.outlier,
            invoice_id=preview.invoice_id,
            document_status=preview.document_status,
        )


class GoneInstaller(BaseModel):
    """One that was billed in former months and has nothing in this one."""

    installer_id: UUID
    installer_name: str | None
    usual_subtotal_cents: int
    outlier: Outlier | None


Obstacle = Literal["not_ended", "held", "unrecorded"]

_OBSTACLES: Mapping[DraftingObstacle, Obstacle] = {
    DraftingObstacle.NOT_ENDED: "not_ended",
    DraftingObstacle.HELD: "held",
    DraftingObstacle.UNRECORDED: "unrecorded",
}


class PeriodPreview(BaseModel):
    """`can_close`: drafting would not refuse the month; otherwise `obstacle` is why, as it would.

    `unrecorded_count` are deliveries that may be of it and that billing could not write down.
    """

    period: str
    period_start: datetime
    period_end: datetime
    has_ended: bool
    can_close: bool
    obstacle: Obstacle | None = None
    delivery_count: int
    held_count: int
    unrecorded_count: int = 0
    subtotal_cents: int
    gst_cents: int
    total_cents: int
    currency: str
    installers: list[InstallerPreview]
    gone: list[GoneInstaller] = Field([], description="billed in the six months before, and not in this one")


@get("/admin/billing/preview-invoice-period", guards=[requires(Capability.READ_OPS)])
async def get_invoice_period_preview(
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    period: Annotated[
        str | None, QueryParameter(pattern=MONTH_PATTERN, max_length=7, description="a month as 2026-03")
    ] = None,
    period_start: Annotated[AwareInstant | None, QueryParameter(description="of a month, in place of its name")] = None,
    period_end: Annotated[AwareInstant | None, QueryParameter(description="the first instant not in it")] = None,
    installer_id: FromQuery[UUID | None] = None,
) -> PeriodPreview:
    """What a month comes to; possible at any time, and changes nothing."""
    month = month_of(period, period_start, period_end, settings.zone)
    return await _preview(database, month, settings.zone, [installer_id] if installer_id else None, clock.now())


@post("/admin/billing/preview-invoice-period", status_code=200, guards=[requires(Capability.READ_OPS)])
async def preview_invoice_period(
    data: JSONBody[MonthBody], database: Given[Database], clock: Given[Clock], settings: Given[Settings]
) -> PeriodPreview:
    """The same for any number of installers."""
    return await _preview(database, data.month(settings.zone), settings.zone, data.installer_ids, clock.now())


async def _preview(
    database: Database, month: Period, zone: ZoneInfo, installer_ids: list[UUID] | None, now: datetime
) -> PeriodPreview:
    async with database.reading() as session:
        compared = await outliers.compared(session, month, zone, installer_ids)
        lost = await unrecorded.unrecorded(session)
    found = [InstallerPreview.of(one.preview, one) for one in compared if one.preview]
    held_count = sum(one.held_count for one in found)
    unrecorded_count = lost.count_of(Span(month.start, month.end), installer_ids)
    obstacle = obstacle_to_drafting(
        has_ended=month.has_ended(now), held_count=held_count, unrecorded_count=unrecorded_count
    )
    return PeriodPreview(
        period=month.name,
        period_start=month.start,
        period_end=month.end,
        has_ended=month.has_ended(now),
        can_close=obstacle is None,
        obstacle=_OBSTACLES[obstacle] if obstacle else None,
        delivery_count=sum(one.delivery_count for one in found),
        held_count=held_count,
        unrecorded_count=unrecorded_count,
        subtotal_cents=sum(one.subtotal_cents for one in found),
        gst_cents=sum(one.gst_cents for one in found),
        total_cents=sum(one.total_cents for one in found),
        currency="AUD",
        installers=found,
        gone=[_gone(one) for one in compared if one.preview is None],
    )


def _gone(one: Compared) -> GoneInstaller:
    return GoneInstaller(
        installer_id=one.installer_id,
        installer_name=one.name,
        usual_subtotal_cents=one.usual_cents,
        outlier=one.outlier,
    )


ROUTES = (get_invoice_period_preview, preview_invoice_period)
