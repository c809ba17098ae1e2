"""Invoices over HTTP: the list, one of them, its issue, its document, its end."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.documents import PDF, resend_invoice
from services.billing.commands.house import House
from services.billing.commands.issuing import IssueInvoice, issue_invoice
from services.billing.commands.voids import VoidInvoice, VoidReason, void_invoice
from services.billing.domain.periods import MONTH_PATTERN
from services.billing.domain.statuses import InvoiceStatus
from services.billing.http.documents import download
from services.billing.http.fields import Note, StripeInvoiceId, WebAddress
from services.billing.http.invoice_views import InvoiceDetail, InvoiceView, audit_status, detail_of
from services.billing.http.references import kept_reference
from services.billing.models import Invoice
from services.billing.queries import documents, invoices, listings
from services.billing.queries.listings import InvoiceFilter
from services.billing.settling import look_up
from services.billing.stripe_gateway import StripeGateway

MONEY = Capability.MANAGE_BILLING_OPS


class MarkIssued(Body):
    """Without `due_at` the account's terms decide; without a Stripe reference the one that the draft keeps is taken."""

    stripe_invoice_id: StripeInvoiceId | None = None
    stripe_invoice_url: WebAddress | None = None
    due_at: AwareInstant | None = None


class VoidBody(Body):
    reason_code: VoidReason
    notes: Note | None = None


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
    overdue: Annotated[bool, QueryParameter(description="only what is owed past its due day")] = False,
) -> Page[InvoiceView]:
    """Invoices of installers and of clients, newest first."""
    now = clock.now()
    wanted = InvoiceFilter(kind, status, installer_id, period, now if overdue else None)
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


@post(
    "/admin/billing/invoices/{invoice_id:uuid}/mark-issued",
    status_code=200,
    guards=[requires(MONEY, step_up=True)],
)
async def mark_issued(
    invoice_id: FromPath[UUID],
    data: JSONBody[MarkIssued],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> InvoiceDetail:
    """Issues an installer's draft: it gets its number and is frozen, its document is rendered and mailed.

    Refused with every blocker named. With a Stripe key set, total and currency must match the Stripe invoice's.
    """
    kept_id, kept_url = await kept_reference(database, invoice_id)
    stripe_invoice_id = data.stripe_invoice_id or kept_id
    facts = await look_up(gateway, stripe_invoice_id)
    url = data.stripe_invoice_url or kept_url
    command = IssueInvoice(invoice_id, InvoiceKind.INSTALLER, stripe_invoice_id, url, data.due_at, facts)
    async with database.transaction() as session:
        await issue_by_operator(session, command, house, operator, clock.now())
        return await detail_of(session, invoice_id, house, clock.now())


async def issue_by_operator(
    session: AsyncSession, command: IssueInvoice, house: House, operator: Actor, now: datetime
) -> Invoice:
    before = (await invoices.find(session, command.invoice_id)).status
    invoice = await issue_invoice(session, command, house, now)
    references = {"number": invoice.number, "stripe_invoice_id": invoice.stripe_invoice_id}
    await audit_status(session, operator, "issue_invoice", invoice, before, references | {"due_at": invoice.due_at})
    return invoice


@post("/admin/billing/invoices/{invoice_id:uuid}/void", status_code=200, guards=[requires(MONEY, step_up=True)])
async def post_void(
    invoice_id: FromPath[UUID],
    data: JSONBody[VoidBody],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> InvoiceDetail:
    """Voids a draft, or an issued invoice on which nothing was paid. Its number stays taken."""
    async with database.transaction() as session:
        await void_by_operator(session, invoice_id, data, operator, clock.now())
        return await detail_of(session, invoice_id, house, clock.now())


async def void_by_operator(
    session: AsyncSession, invoice_id: UUID, data: VoidBody, operator: Operator, now: datetime
) -> None:
    before = (await invoices.find(session, invoice_id)).status
    invoice = await void_invoice(session, VoidInvoice(invoice_id, data.reason_code, operator.name), now)
    await audit_status(
        session, operator, "void_invoice", invoice, before, {}, reason_code=data.reason_code, reason_text=data.notes
    )


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


ROUTES = (list_invoices, get_invoice, mark_issued, post_void, post_resend, get_document)
