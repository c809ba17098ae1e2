"""Voiding a draft or an invoice over HTTP."""

from datetime import datetime
from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from contracts.identity import Capability
from services.billing.commands.house import House
from services.billing.commands.voids import VoidInvoice, VoidReason, void_invoice
from services.billing.domain.statuses import AdjustmentState
from services.billing.http.adjustments import audit_step
from services.billing.http.fields import Note
from services.billing.http.invoice_views import InvoiceDetail, audit_status, detail_of
from services.billing.queries import adjustments, invoices

VOIDED = "The invoice was voided: nothing is left to credit or to debit"


class VoidBody(Body):
    reason_code: VoidReason
    notes: Note | None = None


@post(
    "/admin/billing/invoices/{invoice_id:uuid}/void",
    status_code=200,
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
)
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
    before = (await invoices.lock(session, invoice_id)).status
    waiting = await adjustments.lock_pending(session, invoice_id)
    invoice = await void_invoice(session, VoidInvoice(invoice_id, data.reason_code, operator.name), now)
    await audit_status(
        session, operator, "void_invoice", invoice, before, {}, reason_code=data.reason_code, reason_text=data.notes
    )
    for adjustment in waiting:
        await audit_step(session, operator, "reject_adjustment", adjustment, AdjustmentState.PENDING, VOIDED)


ROUTES = (post_void,)
