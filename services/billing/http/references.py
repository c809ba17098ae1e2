"""The Stripe reference of a draft over HTTP."""

from uuid import UUID

from litestar import put
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from contracts.identity import Capability
from services.billing.commands.house import House
from services.billing.commands.references import KeepReference, keep_reference
from services.billing.http.fields import Note, StripeInvoiceId, WebAddress
from services.billing.http.invoice_views import InvoiceDetail, detail_of
from services.billing.queries import invoices


class ReferenceBody(Body):
    """Both are set as given; null takes one back. `reason` stands in the audit."""

    stripe_invoice_id: StripeInvoiceId | None
    stripe_invoice_url: WebAddress | None = None
    reason: Note | None = None


@put(
    "/admin/billing/invoices/{invoice_id:uuid}/stripe-reference",
    guards=[requires(Capability.MANAGE_BILLING_OPS)],
)
async def put_stripe_reference(
    invoice_id: FromPath[UUID],
    data: JSONBody[ReferenceBody],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> InvoiceDetail:
    """Keeps a draft's Stripe reference until its issue, which looks it up; an issue that names none takes it."""
    command = KeepReference(invoice_id, data.stripe_invoice_id, data.stripe_invoice_url)
    async with database.transaction() as session:
        await keep_by_operator(session, command, data.reason, operator)
        return await detail_of(session, invoice_id, house, clock.now())


async def keep_by_operator(session: AsyncSession, command: KeepReference, reason: str | None, operator: Actor) -> None:
    before = (await invoices.lock(session, command.invoice_id)).stripe_invoice_id
    invoice = await keep_reference(session, command)
    if invoice.stripe_invoice_id == before:
        return
    await audit.record(
        session,
        actor=operator,
        action="keep_stripe_reference",
        subject=Subject("invoice", invoice.id),
        before={"stripe_invoice_id": before},
        after={"stripe_invoice_id": invoice.stripe_invoice_id},
        reason_text=reason,
    )


async def kept_reference(database: Database, invoice_id: UUID) -> tuple[str | None, str | None]:
    """Stripe's id and address of it, for an issue that names none itself."""
    async with database.reading() as session:
        invoice = await invoices.find(session, invoice_id)
        return invoice.stripe_invoice_id, invoice.stripe_invoice_url


ROUTES = (put_stripe_reference,)
