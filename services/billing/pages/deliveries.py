"""The delivery ledger: what was delivered to whom at what price, and the invoice that bills it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.cells import Kind
from chassis.console.documents import Note
from chassis.console.listing import (
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Listing,
    Option,
    Search,
    Tab,
    among,
    routes_of,
)
from chassis.console.wording import counted, words
from contracts.identity import Capability
from contracts.values import CapReleaseReason, CapStatus, ProductType
from services.billing.domain.periods import month_name
from services.billing.domain.statuses import DocumentStatus, EventStatus
from services.billing.models import Account, DeliveryEvent, Invoice
from services.billing.pages.doors import HELD, account_name
from services.billing.pages.filters import Month
from services.billing.queries.deliveries import BY_A_DEBIT, ON_A_LINE, held_queue
from services.billing.queries.listings import billed

ROOM = "deliveries"
PATH = "/console/delivery-events"
ACCOUNTS, INVOICES = "/console/accounts", "/console/invoices"
STATUS_TONES = {EventStatus.BILLABLE: "info", EventStatus.CREDITED: "warning", EventStatus.VOID: ""}
CAP_TONES = {CapStatus.COUNTED: "", CapStatus.RELEASED: "positive"}
NOT_INVOICED = ~ON_A_LINE & ~BY_A_DEBIT
"""As the joins find no invoice, but for the planner to see: it may leave the joins of a count away."""


async def invoice_name(session: AsyncSession, invoice_id: UUID) -> str | None:
    invoice = await session.get(Invoice, invoice_id)
    return (invoice.number or f"Draft of {month_name(invoice.period or '')}") if invoice else None


def lead_title(service: str, locality: str) -> str:
    """What a lead is called where nothing may name its person."""
    return f"{words(service)}, {locality}"


def _invoice(row: Row[Any]) -> str:
    if row.invoice_id is None:
        return "Not invoiced" if row.status is EventStatus.BILLABLE else "None"
    return row.invoice or "Draft"


async def _without_a_price(session: AsyncSession, _now: datetime, _zone: ZoneInfo) -> Sequence[Note]:
    """They stand in no list of prices, and are no less delivered for it."""
    held = (await held_queue(session)).count
    if not held:
        return ()
    title = f"{counted(held, 'delivery is', 'deliveries are')} held without a price, and not in this list"
    text = "Each goes into it at the price of its own day, as soon as there is one."
    return (Note(title, text, "warning", [("Show them with what cures each", f"{HELD}?state=waits")]),)


LISTING = Listing(
    name=ROOM,
    title="Delivery events",
    noun=("delivery", "deliveries"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=billed(select()),
    key=DeliveryEvent.id,
    order="-delivered",
    notes=_without_a_price,
    columns=(
        Column("lead", "Lead", DeliveryEvent.locality, say=lambda row: lead_title(row.service, row.lead)),
        Column("installer", "Installer", Account.name, path=lambda row: f"{ACCOUNTS}/{row.installer_id}"),
        Column("product", "Product", DeliveryEvent.product_type, Kind.WORD),
        Column("delivered", "Delivered", DeliveryEvent.delivered_at, Kind.AGO, sorts=True),
        Column("status", "Finance", DeliveryEvent.event_status, Kind.CHIP, tone=STATUS_TONES),
        Column("cap", "Cap", DeliveryEvent.cap_status, Kind.CHIP, tone=CAP_TONES),
        Column(
            "invoice",
            "Invoice",
            Invoice.number,
            say=_invoice,
            path=lambda row: f"{INVOICES}/{row.invoice_id}" if row.invoice_id else "",
        ),
        Column("price", "Unit price", DeliveryEvent.unit_price_cents, Kind.MONEY, sums=True),
        Column("reason", "Why not billable", DeliveryEvent.credit_reason_code, Kind.WORD, is_extra=True),
        Column("cap_reason", "Why the cap was released", DeliveryEvent.cap_release_reason, Kind.WORD, is_extra=True),
        Column("gst", "GST", DeliveryEvent.gst_treatment, Kind.WORD, is_extra=True),
        Column("includes_gst", "Price includes GST", DeliveryEvent.includes_gst, Kind.YES_NO, is_extra=True),
        Column("stripe", "Stripe invoice", Invoice.stripe_invoice_id, Kind.ID, is_extra=True),
        Column("lead_id", "Lead id", DeliveryEvent.lead_id, Kind.ID, is_extra=True),
        Column("assignment_id", "Assignment id", DeliveryEvent.assignment_id, Kind.ID, is_extra=True),
        Column("recorded", "Recorded", DeliveryEvent.recorded_at, Kind.INSTANT, is_extra=True),
    ),
    also={
        "service": DeliveryEvent.service,
        "installer_id": DeliveryEvent.installer_id,
        "invoice_id": Invoice.id,
    },
    filters=(
        Search(
            "q",
            "Installer, locality, invoice or id",
            texts=(Account.name, DeliveryEvent.locality, Invoice.number),
            ids=(DeliveryEvent.id, DeliveryEvent.lead_id, DeliveryEvent.assignment_id),
        ),
        Choice("status", "Finance", options=among(DeliveryEvent.event_status, EventStatus)),
        Choice(
            "invoiced",
            "Invoiced",
            options=(
                Option("no", "Not invoiced", NOT_INVOICED),
                Option("yes", "Invoiced", ON_A_LINE | BY_A_DEBIT),
                Option("draft", "On a draft", Invoice.document_status == DocumentStatus.DRAFT),
                Option("issued", "On an issued invoice", Invoice.document_status == DocumentStatus.ISSUED),
            ),
        ),
        Choice("cap", "Cap", options=among(DeliveryEvent.cap_status, CapStatus)),
        Choice(
            "cap_reason",
            "Why the cap was released",
            options=among(DeliveryEvent.cap_release_reason, CapReleaseReason),
        ),
        Choice("product", "Product", options=among(DeliveryEvent.product_type, ProductType)),
        Month("month", "Month", column=DeliveryEvent.delivered_at),
        Days("delivered", "Delivered", column=DeliveryEvent.delivered_at),
        Exact("installer_id", "Installer", column=DeliveryEvent.installer_id, name_of=account_name),
        Exact("invoice_id", "Invoice", column=Invoice.id, name_of=invoice_name),
        Exact("lead_id", "Lead", column=DeliveryEvent.lead_id),
        Exact("assignment_id", "Assignment", column=DeliveryEvent.assignment_id),
    ),
    tabs=(
        Tab("Not invoiced", "status=billable&invoiced=no"),
        Tab("Invoiced", "invoiced=yes"),
        Tab("Credited or void", "status=credited&status=void"),
        Tab("All"),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No deliveries",
        "A lead that an installer's mail server or webhook has accepted comes here by itself, at its price.",
        "truck",
    ),
)

ROUTES = routes_of(LISTING)
