"""What the tests of billing arrange after an issue: adjustments decided, credit applied, invoices voided."""

from uuid import UUID

from chassis.ids import new_id
from contracts.values import InvoiceKind
from services.billing.commands.adjusting import Decider
from services.billing.commands.adjustments import approve_adjustment, reject_adjustment
from services.billing.commands.customer_credit import ApplyCredit, apply_customer_credit
from services.billing.commands.voids import VoidInvoice, VoidReason, void_invoice
from services.billing.models import Adjustment, Invoice
from tests.billing.arrangements import CHECKER, Books, client_state


async def client_invoices(books: Books, *amounts_cents: int) -> list[UUID]:
    """Issued ones of one client, a board each; ex GST."""
    client = client_state(new_id())
    drafts = [await books.board_draft(cents, client=client) for cents in amounts_cents]
    return [(await books.issue(id_, kind=InvoiceKind.CLIENT, stripe_invoice_id=None)).id for id_ in drafts]


async def approve(books: Books, adjustment_id: UUID, by: Decider = CHECKER) -> Adjustment:
    async with books.unit() as session:
        return await approve_adjustment(session, adjustment_id, by, books.house.numbering, books.clock.now())


async def reject(books: Books, adjustment_id: UUID, by: Decider = CHECKER) -> Adjustment:
    async with books.unit() as session:
        return await reject_adjustment(session, adjustment_id, by, books.clock.now())


async def apply_credit(
    books: Books, invoice_id: UUID, amount_cents: int | None = None, application_id: UUID | None = None
) -> Invoice:
    """What the customer has with us pays for the invoice."""
    async with books.unit() as session:
        command = ApplyCredit(application_id or new_id(), invoice_id, amount_cents)
        return (await apply_customer_credit(session, command, books.clock.now())).invoice


async def void_whole(books: Books, invoice_id: UUID, reason: VoidReason = VoidReason.DUPLICATE) -> Invoice:
    async with books.unit() as session:
        return await void_invoice(session, VoidInvoice(invoice_id, reason, "Robin Field"), books.clock.now())
