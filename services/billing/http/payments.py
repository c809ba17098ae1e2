"""Payments by hand over HTTP, and what a customer has with us."""

from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from chassis.ids import new_id
from contracts.identity import Capability
from services.billing.commands.customer_credit import ApplyCredit, apply_customer_credit
from services.billing.commands.house import House
from services.billing.commands.payments import RecordPayment, record_payment
from services.billing.domain.statuses import PaymentMethod
from services.billing.http.fields import AmountCents, Reference, StripePaymentId
from services.billing.http.invoice_views import InvoiceDetail, PaymentView, detail_of
from services.billing.models import Invoice
from services.billing.queries import invoices
from services.billing.settling import look_up_payment
from services.billing.stripe_gateway import StripeGateway


class NewPayment(Body):
    """`reference` stands for one payment, however often it is sent: the bank's, the cheque's, the receipt's.

    `external_payment_ref` is Stripe's id of it, where it came through Stripe and was not told by a webhook. With
    `excess_to_credit`, what is more than is owed becomes the customer's credit.
    """

    amount_cents: AmountCents
    received_at: AwareInstant
    method: PaymentMethod
    reference: Reference
    external_payment_ref: StripePaymentId | None = None
    excess_to_credit: bool = False


class ApplyCreditBody(Body):
    """Without an amount as far as it goes. With an `application_id`, sent twice it is one."""

    amount_cents: AmountCents | None = None
    application_id: UUID | None = None


class RecordedPayment(BaseModel):
    payment: PaymentView
    invoice: InvoiceDetail


@post(
    "/admin/billing/invoices/{invoice_id:uuid}/payments",
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
)
async def post_payment(
    invoice_id: FromPath[UUID],
    data: JSONBody[NewPayment],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    gateway: Given[StripeGateway | None],
    operator: Given[Operator],
) -> Response[RecordedPayment]:
    """Records money that came in, the whole balance or a part of it; more than is owed is refused unless it is meant.

    With a Stripe key set, a payment under Stripe's id must be there, with the same amount.
    """
    async with database.reading() as session:
        stripe_invoice_id = (await invoices.find(session, invoice_id)).stripe_invoice_id
    at_stripe_cents = await look_up_payment(gateway, stripe_invoice_id, data.external_payment_ref)
    command = RecordPayment(
        invoice_id=invoice_id, by=operator.name, at_stripe_cents=at_stripe_cents, **data.model_dump()
    )
    async with database.transaction() as session:
        before = _standing(await invoices.lock(session, invoice_id))
        recorded = await record_payment(session, command, clock.now())
        if recorded.is_new:
            await audit.record(
                session,
                actor=operator,
                action="record_payment",
                subject=Subject("invoice", invoice_id),
                before=before,
                after=data.model_dump() | _standing(recorded.invoice),
            )
        await session.flush()
        answer = RecordedPayment(
            payment=PaymentView.model_validate(recorded.payment, from_attributes=True),
            invoice=await detail_of(session, invoice_id, house, clock.now()),
        )
    return Response(answer)


@post(
    "/admin/billing/invoices/{invoice_id:uuid}/apply-credit",
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
)
async def post_apply_credit(
    invoice_id: FromPath[UUID],
    data: JSONBody[ApplyCreditBody],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> InvoiceDetail:
    """Pays for the invoice, or for a part of it, what its customer has with us."""
    command = ApplyCredit(data.application_id or new_id(), invoice_id, data.amount_cents)
    async with database.transaction() as session:
        applied = await apply_customer_credit(session, command, clock.now())
        if applied.is_new:
            await audit.record(
                session,
                actor=operator,
                action="apply_credit",
                subject=Subject("invoice", invoice_id),
                before={"balance_cents": applied.invoice.balance_cents + applied.amount_cents},
                after={"amount_cents": applied.amount_cents, "balance_cents": applied.invoice.balance_cents},
            )
        await session.flush()
        return await detail_of(session, invoice_id, house, clock.now())


def _standing(invoice: Invoice) -> dict[str, object]:
    return {"balance_cents": invoice.balance_cents, "status": invoice.status}


ROUTES = (post_payment, post_apply_credit)
