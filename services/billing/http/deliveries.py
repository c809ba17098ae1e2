"""The delivery ledger and its queue over HTTP."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, StringConstraints
from sqlalchemy import Row

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Line, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import CapReleaseReason, CapStatus, CreditReason, GstTreatment, ProductType
from services.billing.commands.drafts import wait_for_other_runs
from services.billing.commands.late_deliveries import VoidDelivery, void_delivery
from services.billing.domain.periods import MONTH_PATTERN, Period
from services.billing.domain.statuses import EventStatus
from services.billing.http.fields import Note
from services.billing.models import DeliveryEvent, HeldDelivery, Invoice
from services.billing.queries import deliveries, listings
from services.billing.queries.listings import DeliveryFilter
from services.billing.settings import Settings


class DeliveryView(BaseModel):
    """A billable delivery. `invoice_id` is the invoice that bills it now, by a line or a debit; null while none does.

    `credit_reason_code` says why it was credited or voided. `decision_id` is routing's, by which this installer got it.
    """

    id: UUID
    assignment_id: UUID
    lead_id: UUID
    decision_id: UUID | None
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


class VoidDeliveryBody(Body):
    """For one of the reasons for which a delivery would be credited."""

    reason_code: Annotated[Line, StringConstraints(max_length=60)]
    notes: Note | None = None


class HeldDeliveryView(BaseModel):
    """A delivery that waits for a price: add a plan version that covers `delivered_at`."""

    assignment_id: UUID
    lead_id: UUID
    decision_id: UUID | None
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
    period_start: Annotated[AwareInstant | None, QueryParameter(description="delivered from this instant on")] = None,
    period_end: Annotated[AwareInstant | None, QueryParameter(description="delivered before this instant")] = None,
    lead_id: FromQuery[UUID | None] = None,
    assignment_id: FromQuery[UUID | None] = None,
    invoiced: Annotated[bool | None, QueryParameter(description="whether an invoice bills it")] = None,
    product_type: FromQuery[ProductType | None] = None,
    invoice_id: Annotated[UUID | None, QueryParameter(description="the invoice that bills it now")] = None,
) -> Page[DeliveryView]:
    """The ledger, the latest delivery first. Those without a price are among the held deliveries."""
    month = Period.of_month(period, settings.zone) if period else None
    wanted = DeliveryFilter(
        installer_id,
        status,
        cap_status,
        month,
        lead_id,
        assignment_id,
        invoiced,
        product_type,
        invoice_id,
        period_start,
        period_end,
    )
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


@post(
    "/admin/billing/delivery-events/{delivery_event_id:uuid}/void",
    status_code=200,
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
)
async def post_void_delivery(
    delivery_event_id: FromPath[UUID],
    data: JSONBody[VoidDeliveryBody],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> DeliveryView:
    """Takes a delivery that no invoice bills out of billing for good. What is billed is credited instead."""
    command = VoidDelivery(delivery_event_id, data.reason_code, settings.approval_limit_cents)
    async with database.transaction() as session:
        # In the order of all who change what a draft would hold: its run first, then the delivery.
        await wait_for_other_runs(session)
        before = (await deliveries.lock_one(session, delivery_event_id)).event_status
        delivery = await void_delivery(session, command, clock.now())
        if delivery.event_status is not before:
            await audit.record(
                session,
                actor=operator,
                action="void_delivery",
                subject=Subject("delivery", delivery_event_id),
                before={"event_status": before},
                after={"event_status": delivery.event_status},
                reason_code=data.reason_code,
                reason_text=data.notes,
            )
        return DeliveryView.of(await listings.delivery(session, delivery_event_id))


ROUTES = (list_delivery_events, list_held_deliveries, post_void_delivery)
