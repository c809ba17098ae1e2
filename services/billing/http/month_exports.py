"""The hand-over of a whole month to Stripe: every invoice with all that is typed there, as JSON and as one table."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.billing.commands.house import House, terms_days
from services.billing.domain.periods import due_at
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import InvoiceNotFound
from services.billing.http.exported import record_export
from services.billing.http.exports import StripeCustomer, StripeLine, decimal, harmless, tax_rate_of
from services.billing.http.month_close import MonthName
from services.billing.models import Account
from services.billing.queries import month_exports, month_marks
from services.billing.queries.month_exports import ExportedInvoice, ExportItem
from services.billing.queries.months import Scope

READ = Capability.READ_OPS
CSV = "text/csv"
COLUMNS = (
    *("invoice_id", "number", "status", "stripe_invoice_id", "stripe_invoice_url"),
    *("stripe_customer_id", "customer", "email", "abn", "currency", "days_until_due", "due_on", "memo"),
    *("item", "quantity", "unit_amount", "tax_rate", "amount", "gst"),
    *("invoice_subtotal", "invoice_gst", "invoice_total"),
)
"""One row per item of an invoice; what is of the whole invoice stands in each. Filled in with Stripe's ids, the table
is the list of references that is taken back."""


class MonthInvoice(BaseModel):
    """Enough to make the invoice in Stripe by hand; `total_cents` is what its total has to be, to the cent."""

    invoice_id: UUID
    number: str | None
    status: DocumentStatus
    stripe_invoice_id: str | None
    stripe_invoice_url: str | None
    customer: StripeCustomer
    currency: str
    collection_method: Literal["send_invoice"] = "send_invoice"
    days_until_due: int
    due_at: datetime
    description: str
    items: list[StripeLine]
    subtotal_cents: int
    gst_cents: int
    total_cents: int
    metadata: dict[str, str] = Field(description="to be set on the Stripe invoice")


@get("/admin/billing/months/{period:str}/export", guards=[requires(READ)])
async def export_month(
    period: MonthName,
    page: Given[PageRequest],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Page[MonthInvoice]:
    """What is typed into Stripe for a month's drafts and invoices; of the installers whom its close is about.

    Each page that is taken along stands in the audit.
    """
    async with database.transaction() as session:
        await record_export(session, operator, "month", period, format="json")
        scope = await scope_of(session, period)
        found = await month_exports.page_of(session, period, scope, page)
        now = clock.now()
        return page.page(
            found, lambda each: (each.invoice.created_at, each.invoice.id), lambda each: payload_of(each, house, now)
        )


@get("/admin/billing/months/{period:str}/export.csv", media_type=CSV, guards=[requires(READ)])
async def export_month_csv(
    period: MonthName,
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Stream:
    """The same as one table: a row per item. With Stripe's ids filled in it is the list of references to send back."""
    await record_month(database, operator, period, "csv")
    name = f'attachment; filename="month-{period}.csv"'
    lines = stream_month(database, period, house, clock.now())
    return Stream(lines, media_type=CSV, headers={"Content-Disposition": name, "Cache-Control": "no-store"})


@get("/admin/billing/invoices/{invoice_id:uuid}/export-items.csv", media_type=CSV, guards=[requires(READ)])
async def export_items_csv(
    invoice_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Response[str]:
    """One invoice as the month's table has it: customer, terms and items, each amount as Stripe asks for it."""
    async with database.transaction() as session:
        found = await month_exports.one(session, invoice_id)
        InvoiceNotFound.unless(found or None, "there is no such invoice", invoice_id=invoice_id)
        await record_export(session, operator, "invoice", invoice_id, format="items csv")
    text = _table([COLUMNS, *_rows(found, house, clock.now())])
    name = found[0].invoice.number or f"draft-{found[0].invoice.period or invoice_id}"
    headers = {"Content-Disposition": f'attachment; filename="{name}-items.csv"'}
    return Response(text, media_type=CSV, headers=headers)


async def scope_of(session: AsyncSession, period: str) -> Scope:
    chosen = await month_marks.scope(session, period)
    return chosen.installer_ids if chosen else None


async def record_month(database: Database, operator: Actor, period: str, format_: str) -> None:
    """In a transaction of its own: the stream reads in another, and begins after it."""
    async with database.transaction() as session:
        await record_export(session, operator, "month", period, format=format_)


async def stream_month(database: Database, period: str, house: House, now: datetime) -> AsyncIterator[bytes]:
    yield _table([COLUMNS]).encode()
    async with database.reading(isolation="repeatable read") as session:
        async for portion in month_exports.portions(session, period, await scope_of(session, period)):
            yield _table(_rows(portion, house, now)).encode()


async def stream_month_json(database: Database, period: str, house: House, now: datetime) -> AsyncIterator[bytes]:
    """A list of what the paged route tells, for who takes it all at once."""
    separator = "["
    async with database.reading(isolation="repeatable read") as session:
        async for portion in month_exports.portions(session, period, await scope_of(session, period)):
            for each in portion:
                yield f"{separator}{payload_of(each, house, now).model_dump_json()}".encode()
                separator = ",\n"
    yield b"]\n" if separator != "[" else b"[]\n"


def payload_of(exported: ExportedInvoice, house: House, now: datetime) -> MonthInvoice:
    invoice, account = exported.invoice, exported.account
    days = terms_days(account, house)
    return MonthInvoice(
        invoice_id=invoice.id,
        number=invoice.number,
        status=invoice.document_status,
        stripe_invoice_id=invoice.stripe_invoice_id,
        stripe_invoice_url=invoice.stripe_invoice_url,
        customer=_customer(account),
        currency=invoice.currency,
        days_until_due=days,
        due_at=invoice.due_at or due_at(now, days, house.zone),
        description=f"Leads delivered in {invoice.period}",
        items=[_item(item) for item in exported.items],
        subtotal_cents=invoice.subtotal_cents,
        gst_cents=invoice.gst_cents,
        total_cents=invoice.total_cents,
        metadata={"waybill_invoice_id": str(invoice.id)} | ({"period": invoice.period} if invoice.period else {}),
    )


def _customer(account: Account) -> StripeCustomer:
    return StripeCustomer(
        stripe_customer_id=account.stripe_customer_id,
        name=account.billing_name or account.name,
        email=account.billing_email,
        abn=account.abn,
    )


def _item(item: ExportItem) -> StripeLine:
    return StripeLine(
        description=item.description,
        quantity=item.quantity,
        unit_amount_cents=item.unit_price_cents,
        amount_cents=item.amount_cents,
        tax_rate=tax_rate_of(item.gst_treatment, includes_gst=item.includes_gst),
        gst_cents=item.gst_cents,
    )


def _rows(portion: Sequence[ExportedInvoice], house: House, now: datetime) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = []
    for each in portion:
        payload = payload_of(each, house, now)
        rows += [(*_head(payload, house), *_cells(item), *_sums(payload)) for item in payload.items]
    return rows


def _head(payload: MonthInvoice, house: House) -> Sequence[object]:
    customer = payload.customer
    return (
        payload.invoice_id,
        payload.number or "",
        payload.status,
        payload.stripe_invoice_id or "",
        payload.stripe_invoice_url or "",
        customer.stripe_customer_id or "",
        harmless(customer.name),
        harmless(customer.email),
        customer.abn or "",
        payload.currency,
        payload.days_until_due,
        payload.due_at.astimezone(house.zone).date(),
        payload.description,
    )


def _cells(item: StripeLine) -> Sequence[object]:
    amounts = (item.amount_cents, item.gst_cents)
    price = decimal(item.unit_amount_cents)
    return harmless(item.description), item.quantity, price, item.tax_rate, *map(decimal, amounts)


def _sums(payload: MonthInvoice) -> Sequence[object]:
    return tuple(map(decimal, (payload.subtotal_cents, payload.gst_cents, payload.total_cents)))


def _table(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


ROUTES = (export_month, export_month_csv, export_items_csv)
