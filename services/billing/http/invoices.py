"""Invoices over HTTP: the list, one of them, its document."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.documents import PDF, resend_invoice
from services.billing.commands.house import House
from services.billing.domain.periods import MONTH_PATTERN
from services.billing.domain.statuses import InvoiceStatus
from services.billing.http.documents import download
from services.billing.http.invoice_views import InvoiceDetail, InvoiceView, detail_of
from services.billing.queries import documents, invoices, listings
from services.billing.queries.listings import InvoiceFilter

MONEY = Capability.MANAGE_BILLING_OPS


@get("/admin/billing/invoices", guards=[requires(Capability.READ_OPS)])
async def list_invoices(
    database: Given[Database],
    clock: Given[Clock],
    page: Given[PageRequest],
    house: Given[House],
    kind: FromQuery[InvoiceKind | None] = None,
    status: FromQuery[InvoiceStatus | None] = None,
    installer_id: FromQuery[UUID | None] = None,
    period: Annotated[
        str | None, QueryParameter(pattern=MONTH_PATTERN, max_length=7, description="a month as 2026-03")
    ] = None,
    period_start: Annotated[AwareInstant | None, QueryParameter(description="of months from this instant on")] = None,
    period_end: Annotated[AwareInstant | None, QueryParameter(description="of months that end until then")] = None,
    overdue: Annotated[bool, QueryParameter(description="only what is owed past its due day")] = False,
) -> Page[InvoiceView]:
    """Invoices of installers and of clients, newest first."""
    now = clock.now()
    wanted = InvoiceFilter(
        kind,
        status,
        installer_id,
        period,
        now if overdue else None,
        period_from=period_start,
        period_to=period_end,
    )
    async with database.reading() as session:
        found = await listings.invoices(session, page, wanted)
    return page.page(
        found, lambda row: (row[0].created_at, row[0].id), lambda row: InvoiceView.of(row[0], row[1], house, now)
    )


@get("/admin/billing/invoices/{invoice_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_invoice(
    invoice_id: FromPath[UUID], database: Given[Database], clock: Given[Clock], house: Given[House]
) -> InvoiceDetail:
    """With lines, payments, adjustments, what can be done with it, and what stands in the way of its issue."""
    async with database.reading() as session:
        return await detail_of(session, invoice_id, house, clock.now())


@post("/admin/billing/invoices/{invoice_id:uuid}/resend", status_code=200, guards=[requires(MONEY)])
async def post_resend(
    invoice_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> InvoiceDetail:
    """Mails the same document again, to the address that the account has now."""
    async with database.transaction() as session:
        invoice = await resend_invoice(session, invoice_id, clock.now())
        await audit.record(
            session,
            actor=operator,
            action="resend_invoice",
            subject=Subject("invoice", invoice_id),
            after={"send_no": invoice.send_no},
        )
        return await detail_of(session, invoice_id, house, clock.now())


@get(
    "/admin/billing/invoices/{invoice_id:uuid}/document",
    media_type=PDF,
    guards=[requires(Capability.READ_OPS)],
)
async def get_document(invoice_id: FromPath[UUID], database: Given[Database]) -> Response[bytes]:
    """The tax invoice as it was rendered and mailed."""
    async with database.reading() as session:
        await invoices.find(session, invoice_id)
        return download(await documents.of_invoice(session, invoice_id))


ROUTES = (list_invoices, get_invoice, post_resend, get_document)
