"""The issue of an installer's invoice over HTTP."""

from datetime import datetime
from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.house import House
from services.billing.commands.issuing import IssueInvoice, issue_invoice
from services.billing.comparing import telling_lines
from services.billing.http.fields import StripeInvoiceId, WebAddress
from services.billing.http.invoice_views import InvoiceDetail, audit_status, detail_of
from services.billing.http.references import kept_reference
from services.billing.models import Invoice
from services.billing.queries import invoices
from services.billing.settling import look_up
from services.billing.stripe_gateway import StripeGateway


class MarkIssued(Body):
    """Without `due_at` the account's terms decide; without a Stripe reference the one that the draft keeps is taken.

    What is due is so until the last second of the business's day on which `due_at` falls.
    """

    stripe_invoice_id: StripeInvoiceId | None = None
    stripe_invoice_url: WebAddress | None = None
    due_at: AwareInstant | None = None


@post(
    "/admin/billing/invoices/{invoice_id:uuid}/mark-issued",
    status_code=200,
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
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

    Refused with every blocker named. With a Stripe key set, total and currency must match the Stripe invoice's; where
    the totals differ, `errors` names each line that does, ours and theirs.
    """
    kept_id, kept_url = await kept_reference(database, invoice_id)
    stripe_invoice_id = data.stripe_invoice_id or kept_id
    facts = await look_up(gateway, stripe_invoice_id)
    url = data.stripe_invoice_url or kept_url
    command = IssueInvoice(invoice_id, InvoiceKind.INSTALLER, stripe_invoice_id, url, data.due_at, facts)
    async with telling_lines(database, gateway, invoice_id, stripe_invoice_id), database.transaction() as session:
        await issue_by_operator(session, command, house, operator, clock.now())
        return await detail_of(session, invoice_id, house, clock.now())


async def issue_by_operator(
    session: AsyncSession, command: IssueInvoice, house: House, operator: Actor, now: datetime
) -> Invoice:
    before = (await invoices.lock(session, command.invoice_id)).status
    invoice = await issue_invoice(session, command, house, now)
    references = {"number": invoice.number, "stripe_invoice_id": invoice.stripe_invoice_id}
    await audit_status(session, operator, "issue_invoice", invoice, before, references | {"due_at": invoice.due_at})
    return invoice


ROUTES = (mark_issued,)
