"""The hand-over to Stripe: everything that is typed there, and the same as a list for a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from pydantic import BaseModel, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, Operator, requires
from contracts.identity import Capability
from contracts.values import GstTreatment
from services.billing.commands.house import House, terms_days
from services.billing.domain.periods import due_at
from services.billing.domain.printed import PRODUCTS
from services.billing.http.exported import record_export
from services.billing.queries import exports
from services.billing.queries.exports import Export, ExportedLine

CSV_COLUMNS = (
    "number",
    "line_no",
    "delivered_at",
    "assignment_id",
    "lead_id",
    "description",
    "quantity",
    "unit_price",
    "ex_gst",
    "gst",
    "inc_gst",
)

TaxRate = Literal["GST 10% exclusive", "GST 10% inclusive", "none"]


class StripeCustomer(BaseModel):
    """`stripe_customer_id` is null until the account has one."""

    stripe_customer_id: str | None
    name: str
    email: str
    abn: str | None


class StripeLine(BaseModel):
    """One item of the Stripe invoice: lines of one description and price together."""

    description: str
    quantity: int
    unit_amount_cents: int
    amount_cents: int
    tax_rate: TaxRate
    gst_cents: int


class DeliveryLine(BaseModel):
    line_no: int
    description: str
    delivered_at: datetime | None
    assignment_id: UUID | None
    lead_id: UUID | None
    quantity: int
    unit_price_cents: int
    gst_treatment: GstTreatment
    ex_gst_cents: int
    gst_cents: int
    inc_gst_cents: int

    @classmethod
    def of(cls, exported: ExportedLine) -> Self:
        own = {name: getattr(exported.line, name) for name in cls.model_fields if hasattr(exported.line, name)}
        return cls(
            **own,
            delivered_at=exported.delivered_at,
            assignment_id=exported.assignment_id,
            lead_id=exported.lead_id,
        )


class InvoiceExport(BaseModel):
    """Enough to make the invoice in Stripe by hand; `total_cents` is what its total has to be, to the cent."""

    invoice_id: UUID
    number: str | None
    customer: StripeCustomer
    currency: str
    collection_method: Literal["send_invoice"] = "send_invoice"
    days_until_due: int
    due_at: datetime
    description: str
    purchase_order: str | None
    items: list[StripeLine]
    subtotal_cents: int
    gst_cents: int
    total_cents: int
    metadata: dict[str, str] = Field(description="to be set on the Stripe invoice")
    lines: list[DeliveryLine]


@get("/admin/billing/invoices/{invoice_id:uuid}/export", guards=[requires(Capability.READ_OPS)])
async def export_invoice(
    invoice_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> InvoiceExport:
    """What is typed into Stripe for this invoice, draft or issued. That it was taken along stands in the audit."""
    async with database.transaction() as session:
        found = await exports.export(session, invoice_id)
        await record_export(session, operator, "invoice", invoice_id, format="json")
        return _payload(found, house, clock.now())


@get(
    "/admin/billing/invoices/{invoice_id:uuid}/export.csv",
    media_type="text/csv",
    guards=[requires(Capability.READ_OPS)],
)
async def export_invoice_csv(
    invoice_id: FromPath[UUID], database: Given[Database], house: Given[House], operator: Given[Operator]
) -> Response[str]:
    """A row per line, amounts in dollars, instants in the zone of the business. The audit tells who took it along."""
    async with database.transaction() as session:
        found = await exports.export(session, invoice_id)
        await record_export(session, operator, "invoice", invoice_id, format="csv")
    name = found.invoice.number or f"draft-{found.invoice.period or found.invoice.board_id}"
    return Response(
        _csv(found, house),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _payload(found: Export, house: House, now: datetime) -> InvoiceExport:
    invoice, account = found.invoice, found.account
    days = terms_days(account, house)
    return InvoiceExport(
        invoice_id=invoice.id,
        number=invoice.number,
        customer=StripeCustomer(
            stripe_customer_id=account.stripe_customer_id,
            name=account.billing_name or account.name,
            email=account.billing_email,
            abn=account.abn,
        ),
        currency=invoice.currency,
        days_until_due=days,
        due_at=invoice.due_at or due_at(now, days, house.zone),
        description=f"Leads delivered in {invoice.period}" if invoice.period else "Advisory board",
        purchase_order=invoice.purchase_order,
        items=_items(found.lines),
        subtotal_cents=invoice.subtotal_cents,
        gst_cents=invoice.gst_cents,
        total_cents=invoice.total_cents,
        metadata={"waybill_invoice_id": str(invoice.id)} | ({"period": invoice.period} if invoice.period else {}),
        lines=[DeliveryLine.of(line) for line in found.lines],
    )


def _items(lines: Sequence[ExportedLine]) -> list[StripeLine]:
    groups: dict[tuple[str, int, str], list[ExportedLine]] = {}
    for exported in lines:
        line = exported.line
        description = PRODUCTS[exported.product_type] if exported.product_type else line.description
        groups.setdefault((description, line.unit_price_cents, _tax_rate(exported)), []).append(exported)
    return [
        StripeLine(
            description=description,
            quantity=sum(member.line.quantity for member in members),
            unit_amount_cents=unit_amount_cents,
            amount_cents=sum(member.line.quantity * member.line.unit_price_cents for member in members),
            tax_rate=tax_rate,
            gst_cents=sum(member.line.gst_cents for member in members),
        )
        for (description, unit_amount_cents, tax_rate), members in groups.items()
    ]


def _tax_rate(exported: ExportedLine) -> TaxRate:
    return tax_rate_of(exported.line.gst_treatment, includes_gst=exported.line.includes_gst)


def tax_rate_of(treatment: GstTreatment, *, includes_gst: bool) -> TaxRate:
    if treatment is GstTreatment.GST_FREE:
        return "none"
    return "GST 10% inclusive" if includes_gst else "GST 10% exclusive"


def _csv(found: Export, house: House) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for exported in found.lines:
        line, delivered_at = exported.line, exported.delivered_at
        writer.writerow(
            [
                found.invoice.number or "",
                line.line_no,
                delivered_at.astimezone(house.zone).isoformat(timespec="seconds") if delivered_at else "",
                exported.assignment_id or "",
                exported.lead_id or "",
                harmless(line.description),
                line.quantity,
                *map(decimal, (line.unit_price_cents, line.ex_gst_cents, line.gst_cents, line.inc_gst_cents)),
            ]
        )
    return text.getvalue()


def harmless(text: str) -> str:
    """A spreadsheet would run a cell that begins like a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text


def decimal(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"


ROUTES = (export_invoice, export_invoice_csv)
