"""Clients' invoices over HTTP: review the draft, change its lines, send it, note that it was paid."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, Text, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import GstTreatment, InvoiceKind
from services.billing.commands.client_invoices import DraftLine, SetLines, redraft_board_invoice, set_lines
from services.billing.commands.documents import PDF
from services.billing.commands.house import House
from services.billing.commands.issuing import IssueInvoice, issue_invoice
from services.billing.commands.payments import MarkPaid, mark_paid
from services.billing.domain.periods import FISCAL_QUARTER_PATTERN, Period
from services.billing.domain.statuses import InvoiceStatus, PaymentMethod
from services.billing.http.documents import download
from services.billing.http.fields import (
    LARGEST_PRICE_CENTS,
    Reference,
    StripeInvoiceId,
    StripePaymentId,
    WebAddress,
)
from services.billing.http.invoice_views import InvoiceDetail, InvoiceView, LineView, audit_status, detail_of
from services.billing.models import InvoiceLine
from services.billing.queries import documents, invoices, listings
from services.billing.queries.listings import InvoiceFilter
from services.billing.settings import Settings
from services.billing.settling import look_up, look_up_payment
from services.billing.stripe_gateway import StripeGateway

MONEY = Capability.MANAGE_BILLING_OPS


class LineBody(Body):
    """Ex GST; a negative price takes something off."""

    description: Annotated[Text, StringConstraints(max_length=400)]
    quantity: Annotated[int, Field(ge=1, le=100_000)]
    unit_price_cents: Annotated[int, Field(ge=-LARGEST_PRICE_CENTS, le=LARGEST_PRICE_CENTS)]
    gst_treatment: GstTreatment = GstTreatment.TAXABLE


class LinesBody(Body):
    """All the lines as they are to be; `version` is the invoice's as it was read."""

    version: Annotated[int, Field(ge=0, le=2**53)]
    lines: Annotated[list[LineBody], Field(max_length=100)]


class SendBody(Body):
    """Nothing is required: a client may pay without Stripe. Without `due_at` the client's terms decide; what is due is
    so until the last second of the business's day on which it falls.
    """

    stripe_invoice_id: StripeInvoiceId | None = None
    stripe_invoice_url: WebAddress | None = None
    due_at: AwareInstant | None = None


class MarkPaidBody(Body):
    """By bank transfer and now, unless it says otherwise; without a reference it gets one of ours.

    `external_payment_ref` is Stripe's id of it, and required where the method is Stripe.
    """

    received_at: AwareInstant | None = None
    method: PaymentMethod = PaymentMethod.BANK_TRANSFER
    reference: Reference | None = None
    external_payment_ref: StripePaymentId | None = None


@get("/admin/ops/invoices", guards=[requires(Capability.READ_OPS)])
async def list_client_invoices(
    database: Given[Database],
    clock: Given[Clock],
    page: Given[PageRequest],
    house: Given[House],
    settings: Given[Settings],
    client_id: FromQuery[UUID | None] = None,
    status: FromQuery[InvoiceStatus | None] = None,
    fiscal_quarter: Annotated[
        str | None,
        QueryParameter(
            pattern=FISCAL_QUARTER_PATTERN,
            max_length=9,
            description="of the Australian year, by day of issue or, for drafts, of drafting: FY2026-Q3 ends in March",
        ),
    ] = None,
    overdue: Annotated[bool, QueryParameter(description="only what is owed past its due day")] = False,
) -> Page[InvoiceView]:
    """Clients' invoices, newest first."""
    now = clock.now()
    quarter = Period.of_fiscal_quarter(fiscal_quarter, settings.zone) if fiscal_quarter else None
    wanted = InvoiceFilter(InvoiceKind.CLIENT, status, client_id, None, now if overdue else None, quarter)
    async with database.reading() as session:
        found = await listings.invoices(session, page, wanted)
    return page.page(
        found, lambda row: (row[0].created_at, row[0].id), lambda row: InvoiceView.of(row[0], row[1], house, now)
    )


@get("/admin/ops/invoices/{invoice_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_client_invoice(
    invoice_id: FromPath[UUID], database: Given[Database], clock: Given[Clock], house: Given[House]
) -> InvoiceDetail:
    async with database.reading() as session:
        await invoices.find(session, invoice_id, InvoiceKind.CLIENT)
        return await detail_of(session, invoice_id, house, clock.now())


@put("/admin/ops/invoices/{invoice_id:uuid}/lines", guards=[requires(MONEY)])
async def put_lines(
    invoice_id: FromPath[UUID],
    data: JSONBody[LinesBody],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> InvoiceDetail:
    """Replaces the lines of a draft; sums and GST follow."""
    lines = [DraftLine(**line.model_dump()) for line in data.lines]
    async with database.transaction() as session:
        before = _shown(await invoices.lines(session, invoice_id))
        session.expunge_all()
        await set_lines(session, SetLines(invoice_id, data.version, lines))
        await audit.record(
            session,
            actor=operator,
            action="set_invoice_lines",
            subject=Subject("invoice", invoice_id),
            before={"lines": before},
            after={"lines": [line.model_dump() for line in data.lines]},
        )
        return await detail_of(session, invoice_id, house, clock.now())


@post("/admin/ops/invoices/{invoice_id:uuid}/send", status_code=200, guards=[requires(MONEY, step_up=True)])
async def send_client_invoice(
    invoice_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
    data: JSONBody[SendBody | None] = None,
) -> InvoiceDetail:
    """Issues the draft and queues its mail with the PDF; one that is sent already stays as it is."""
    body = data or SendBody()
    facts = await look_up(gateway, body.stripe_invoice_id)
    command = IssueInvoice(
        invoice_id, InvoiceKind.CLIENT, body.stripe_invoice_id, body.stripe_invoice_url, body.due_at, facts
    )
    async with database.transaction() as session:
        await send_by_operator(session, command, house, operator, clock.now())
        return await detail_of(session, invoice_id, house, clock.now())


async def send_by_operator(
    session: AsyncSession, command: IssueInvoice, house: House, operator: Operator, now: datetime
) -> None:
    await invoices.find(session, command.invoice_id, InvoiceKind.CLIENT)
    before = (await invoices.lock(session, command.invoice_id)).status
    invoice = await issue_invoice(session, command, house, now)
    await audit_status(
        session, operator, "send_invoice", invoice, before, {"number": invoice.number, "due_at": invoice.due_at}
    )


@post("/admin/ops/invoices/{invoice_id:uuid}/mark-paid", status_code=200, guards=[requires(MONEY, step_up=True)])
async def mark_client_invoice_paid(
    invoice_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
    data: JSONBody[MarkPaidBody | None] = None,
) -> InvoiceDetail:
    """Records the whole balance as paid, and posts it; one that is paid already stays as it is."""
    body, now = data or MarkPaidBody(), clock.now()
    async with database.reading() as session:
        stripe_invoice_id = (await invoices.find(session, invoice_id, InvoiceKind.CLIENT)).stripe_invoice_id
    command = MarkPaid(
        invoice_id,
        body.received_at or now,
        body.method,
        operator.name,
        body.reference,
        body.external_payment_ref,
        await look_up_payment(gateway, stripe_invoice_id, body.external_payment_ref),
    )
    async with database.transaction() as session:
        before = (await invoices.lock(session, invoice_id)).status
        invoice = await mark_paid(session, command, now)
        payment = body.model_dump(include={"method", "reference", "external_payment_ref"})
        await audit_status(session, operator, "mark_invoice_paid", invoice, before, payment)
        return await detail_of(session, invoice_id, house, clock.now())


@post("/admin/ops/invoices/{invoice_id:uuid}/redraft", guards=[requires(MONEY)])
async def redraft_client_invoice(
    invoice_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> InvoiceDetail:
    """Drafts another invoice for the board of a void one, with its lines; the two name each other."""
    async with database.transaction() as session:
        await invoices.find(session, invoice_id, InvoiceKind.CLIENT)
        await invoices.lock(session, invoice_id)
        is_done = await invoices.successor(session, invoice_id) is not None
        draft = await redraft_board_invoice(session, invoice_id, clock.now())
        if not is_done:
            await audit.record(
                session,
                actor=operator,
                action="redraft_invoice",
                subject=Subject("invoice", draft.id),
                after={"replaces_invoice_id": invoice_id},
            )
        return await detail_of(session, draft.id, house, clock.now())


@get(
    "/admin/ops/invoices/{invoice_id:uuid}/document",
    media_type=PDF,
    guards=[requires(Capability.READ_OPS)],
)
async def get_client_document(invoice_id: FromPath[UUID], database: Given[Database]) -> Response[bytes]:
    """The same bytes that were mailed."""
    async with database.reading() as session:
        await invoices.find(session, invoice_id, InvoiceKind.CLIENT)
        return download(await documents.of_invoice(session, invoice_id))


def _shown(lines: Sequence[InvoiceLine]) -> list[dict[str, Any]]:
    return [LineView.model_validate(line, from_attributes=True).model_dump() for line in lines]


ROUTES = (
    list_client_invoices,
    get_client_invoice,
    put_lines,
    send_client_invoice,
    mark_client_invoice_paid,
    redraft_client_invoice,
    get_client_document,
)
