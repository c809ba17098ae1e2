"""Payments by hand over HTTP."""

from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from contracts.identity import Capability
from services.billing.commands.issuing import House
from services.billing.commands.payments import RecordPayment, record_payment
from services.billing.domain.statuses import PaymentMethod
from services.billing.http.fields import AmountCents, Reference
from services.billing.http.invoice_views import InvoiceDetail, PaymentView, detail_of


class NewPayment(Body):
    """`reference` stands for one payment, however often it is sent: the bank's, the cheque's, the receipt's.

    `external_payment_ref` is Stripe's id of it, where it came through Stripe and was not told by a webhook.
    """

    amount_cents: AmountCents
    received_at: AwareInstant
    method: PaymentMethod
    reference: Reference
    external_payment_ref: Reference | None = None


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
    operator: Given[Operator],
) -> Response[RecordedPayment]:
    """Records money that came in, the whole balance or a part of it; more than is owed is refused."""
    command = RecordPayment(invoice_id=invoice_id, by=operator.name, **data.model_dump())
    async with database.transaction() as session:
        recorded = await record_payment(session, command, clock.now())
        if recorded.is_new:
            await audit.record(
                session,
                actor=operator,
                action="record_payment",
                subject=Subject("invoice", invoice_id),
                after=data.model_dump() | {"balance_cents": recorded.invoice.balance_cents},
            )
        await session.flush()
        answer = RecordedPayment(
            payment=PaymentView.model_validate(recorded.payment, from_attributes=True),
            invoice=await detail_of(session, invoice_id, house, clock.now()),
        )
    return Response(answer)


ROUTES = (post_payment,)
