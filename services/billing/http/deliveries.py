"""The delivery ledger and its queue over HTTP."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from litestar import get
from litestar.params import FromQuery, QueryParameter
from pydantic import BaseModel
from sqlalchemy import Row

from chassis.database import Database
from chassis.http import Given, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import CapReleaseReason, CapStatus, CreditReason, GstTreatment, ProductType
from services.billing.domain.periods import MONTH_PATTERN, Period
from services.billing.domain.statuses import EventStatus
from services.billing.models import DeliveryEvent, HeldDelivery, Invoice
from services.billing.queries import listings
from services.billing.queries.listings import DeliveryFilter
from services.billing.settings import Settings


class DeliveryView(BaseModel):
    """A billable delivery. `invoice_id` is the invoice it stands on now, null while it is on none."""

    id: UUID
    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    installer_name: str
    product_type: ProductType
    service: str
    locality: str
    delivered_at: datetime
    unit_price_cents: int
    currency: str
    gst_treatment: GstTreatment
    includes_gst: bool
    price_plan_id: UUID
    event_status: EventStatus
    credit_reason_code: CreditReason | None
    cap_status: CapStatus
    cap_release_reason: CapReleaseReason | None
    invoice_id: UUID | None
    invoice_number: str | None
    stripe_invoice_id: str | None
    recorded_at: datetime

    @classmethod
    def of(cls, row: Row[DeliveryEvent, str, Invoice]) -> Self:
        delivery, installer_name, invoice = row
        own = {name: getattr(delivery, name) for name in cls.model_fields if hasattr(delivery, name)}
        return cls(
            **own,
            installer_name=installer_name,
            # None for the invoice too while it stands on none, though the types do not say so.
            invoice_id=getattr(invoice, "id", None),
            invoice_number=getattr(invoice, "number", None),
            stripe_invoice_id=getattr(invoice, "stripe_invoice_id", None),
        )


class HeldDeliveryView(BaseModel):
    """A delivery that waits for a price: add a plan version that covers `delivered_at`."""

    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    installer_name: str | None
    product_type: ProductType
    service: str
    locality: str
    delivered_at: datetime
    reason_code: str
    held_at: datetime

    @classmethod
    def of(cls, row: Row[HeldDelivery, str]) -> Self:
        delivery, installer_name = row
        own = {name: getattr(delivery, name) for name in cls.model_fields if hasattr(delivery, name)}
        return cls(**own, installer_name=installer_name)


@get("/admin/billing/delivery-events", guards=[requires(Capability.READ_OPS)])
async def list_delivery_events(
    database: Given[Database],
    page: Given[PageRequest],
    settings: Given[Settings],
    installer_id: FromQuery[UUID | None] = None,
    status: FromQuery[EventStatus | None] = None,
    cap_status: FromQuery[CapStatus | None] = None,
    period: Annotated[
        str | None, QueryParameter(pattern=MONTH_PATTERN, max_length=7, description="a month as 2026-03")
    ] = None,
    lead_id: FromQuery[UUID | None] = None,
    assignment_id: FromQuery[UUID | None] = None,
    invoiced: Annotated[bool | None, QueryParameter(description="whether it stands on an invoice")] = None,
) -> Page[DeliveryView]:
    """The ledger, the latest delivery first."""
    month = Period.of_month(period, settings.zone) if period else None
    wanted = DeliveryFilter(installer_id, status, cap_status, month, lead_id, assignment_id, invoiced)
    async with database.reading() as session:
        found = await listings.deliveries(session, page, wanted)
    return page.page(found, lambda row: (row[0].delivered_at, row[0].id), DeliveryView.of)


@get("/admin/billing/held-deliveries", guards=[requires(Capability.READ_OPS)])
async def list_held_deliveries(
    database: Given[Database], page: Given[PageRequest], installer_id: FromQuery[UUID | None] = None
) -> Page[HeldDeliveryView]:
    """Deliveries that no plan version prices, the oldest first. Their months cannot close."""
    async with database.reading() as session:
        found = await listings.held(session, page, installer_id)
    return page.page(found, lambda row: (row[0].delivered_at, row[0].assignment_id), HeldDeliveryView.of)


ROUTES = (list_delivery_events, list_held_deliveries)
