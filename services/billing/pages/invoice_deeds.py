"""What is done with an invoice by the forms of its page, and what is downloaded there, for both kinds."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.fields import Day, Dollars, start_of
from chassis.console.timeline import refuse_if_changed
from chassis.database import Database
from chassis.http import Given, Line, Operator
from contracts.identity import Capability
from contracts.values import AdjustmentType, GstTreatment
from services.billing.commands.documents import PDF
from services.billing.commands.house import House
from services.billing.domain.statuses import PaymentMethod
from services.billing.http.adjustments import NewAdjustment, add_by_operator
from services.billing.http.exports import InvoiceExport, export_invoice, export_invoice_csv
from services.billing.http.fields import LARGEST_AMOUNT_CENTS, LineNo, Note, Reference, StripePaymentId
from services.billing.http.invoices import get_document, post_resend
from services.billing.http.month_exports import export_items_csv
from services.billing.http.payments import ApplyCreditBody, NewPayment, post_apply_credit, post_payment
from services.billing.http.voids import VoidBody, void_by_operator
from services.billing.pages.doors import invoice_path
from services.billing.pages.faults import told_beside
from services.billing.pages.invoice_actions import APPLY, CREDIT, DEBIT, PAYMENT, RESEND, VOID
from services.billing.pages.invoice_words import INSTALLERS
from services.billing.queries import invoices
from services.billing.stripe_gateway import StripeGateway

MONEY, READ = Capability.MANAGE_BILLING_OPS, Capability.READ_OPS
ONE = INSTALLERS + "/{invoice_id:uuid}"
Amount = Annotated[Dollars, Field(ge=1, le=LARGEST_AMOUNT_CENTS)]
FIELDS = {
    "payment_exceeds_balance": "amount",
    "received_in_the_future": "received_day",
    "payment_reference_taken": "reference",
    "stripe_payment_id_missing": "external_payment_ref",
    "stripe_payment_differs": "external_payment_ref",
    "customer_credit_exceeded": "amount",
    "credit_exceeds_balance": "amount",
    "amount_missing": "amount",
    "amount_not_expected": "amount",
    "line_not_found": "line_no",
    "deliveries_missing": "delivery_event_ids",
    "deliveries_not_expected": "delivery_event_ids",
    "reason_unknown": "reason_code",
    "credit_reason_refused": "reason_code",
}


class PaymentForm(Form):
    """`received_day` in the business zone: today is now, an earlier day its beginning."""

    amount: Amount
    received_day: Day
    method: PaymentMethod
    reference: Reference
    external_payment_ref: StripePaymentId | None = None
    excess_to_credit: bool = False


class AdjustForm(Form):
    reason_code: Annotated[Line, StringConstraints(max_length=60)]
    amount: Amount | None = None
    line_no: LineNo | None = None
    notes: Note | None = None
    gst_treatment: GstTreatment = GstTreatment.TAXABLE
    delivery_event_ids: Annotated[list[UUID], Field(max_length=500)] = []
    adjustment_id: UUID
    seen: UUID | None = None


class ApplyCreditForm(Form):
    amount: Amount
    application_id: UUID


class VoidForm(VoidBody, Form):
    seen: UUID | None = None


class ResendForm(Form):
    """Nothing but the session's mark."""


def form_of(name: str, *, step_up: bool = True) -> Callable[[Any], HTTPRouteHandler]:
    return form_at(f"{ONE}/{name.replace('_', '-')}", MONEY, step_up=step_up)


async def back(session: AsyncSession, console: Console, invoice_id: UUID, done: str) -> Redirect:
    """To the invoice's own page, where what came of it stands."""
    invoice = await invoices.find(session, invoice_id)
    return console.redirect(f"{invoice_path(invoice.kind, invoice_id)}?done={done}")


@form_of(PAYMENT)
async def pay_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[PaymentForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Redirect:
    now = clock.now()
    is_today = data.received_day == now.astimezone(house.zone).date()
    payment = NewPayment(
        amount_cents=data.amount,
        received_at=now if is_today else start_of(data.received_day, house.zone),
        **data.model_dump(include={"method", "reference", "external_payment_ref", "excess_to_credit"}),
    )
    with told_beside(FIELDS):
        await post_payment.fn(invoice_id, payment, database, clock, house, gateway, operator)
    async with database.reading() as session:
        return await back(session, console, invoice_id, PAYMENT)


def _adjusting(name: str, type_: AdjustmentType) -> HTTPRouteHandler:
    @form_of(name)
    async def adjust_by_form(
        invoice_id: FromPath[UUID],
        data: JSONBody[AdjustForm],
        console: Given[Console],
        database: Given[Database],
        clock: Given[Clock],
        house: Given[House],
        operator: Given[Operator],
    ) -> Redirect:
        rule = house.approval
        with told_beside(FIELDS):
            async with database.transaction() as session:
                await refuse_if_changed(session, Subject("invoice", invoice_id), data.seen)
                await add_by_operator(session, invoice_id, _asked(type_, data), rule, operator, clock.now())
                return await back(session, console, invoice_id, name)

    return adjust_by_form


def _asked(type_: AdjustmentType, data: AdjustForm) -> NewAdjustment:
    return NewAdjustment(
        type=type_,
        amount_cents=data.amount,
        delivery_event_ids=data.delivery_event_ids or None,
        **data.model_dump(include={"reason_code", "line_no", "notes", "gst_treatment", "adjustment_id"}),
    )


@form_of(APPLY)
async def apply_credit_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[ApplyCreditForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    asked = ApplyCreditBody(amount_cents=data.amount, application_id=data.application_id)
    with told_beside(FIELDS):
        await post_apply_credit.fn(invoice_id, asked, database, clock, house, operator)
    async with database.reading() as session:
        return await back(session, console, invoice_id, APPLY)


@form_of(VOID)
async def void_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[VoidForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("invoice", invoice_id), data.seen)
        await void_by_operator(session, invoice_id, data, house, operator, clock.now())
        return await back(session, console, invoice_id, VOID)


@form_of(RESEND, step_up=False)
async def resend_by_form(
    invoice_id: FromPath[UUID],
    data: JSONBody[ResendForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Redirect:
    await post_resend.fn(invoice_id, database, clock, house, operator)
    async with database.reading() as session:
        return await back(session, console, invoice_id, RESEND)


@page_at(f"{ONE}/document", READ, media_type=PDF)
async def download_document(invoice_id: FromPath[UUID], database: Given[Database]) -> Response[bytes]:
    answer: Response[bytes] = await get_document.fn(invoice_id, database)
    return answer


@page_at(f"{ONE}/export.csv", READ, media_type="text/csv")
async def download_csv(
    invoice_id: FromPath[UUID], database: Given[Database], house: Given[House], operator: Given[Operator]
) -> Response[str]:
    answer: Response[str] = await export_invoice_csv.fn(invoice_id, database, house, operator)
    return answer


@page_at(f"{ONE}/export.json", READ)
async def download_json(
    invoice_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Response[InvoiceExport]:
    payload: InvoiceExport = await export_invoice.fn(invoice_id, database, clock, house, operator)
    name = payload.number or f"draft-{invoice_id}"
    return Response(payload, headers={"Content-Disposition": f'attachment; filename="{name}.json"'})


@page_at(f"{ONE}/export-items.csv", READ, media_type="text/csv")
async def download_items(
    invoice_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Response[str]:
    answer: Response[str] = await export_items_csv.fn(invoice_id, database, clock, house, operator)
    return answer


ROUTES = (
    pay_by_form,
    _adjusting(CREDIT, AdjustmentType.CREDIT),
    _adjusting(DEBIT, AdjustmentType.DEBIT),
    apply_credit_by_form,
    void_by_form,
    resend_by_form,
    download_document,
    download_csv,
    download_items,
    download_json,
)
