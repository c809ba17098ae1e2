"""Issuing an invoice: through the gate, with the next number, frozen, posted, all in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.constraints import flush_or_refuse
from contracts.values import InvoiceKind
from services.billing.commands.gate import Candidate, blockers_of
from services.billing.commands.house import House
from services.billing.commands.issued_drafts import ReadyDraft, due_of, issue_drafts
from services.billing.domain.issuing import StripeFacts
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import (
    AlreadyIssuedOtherwise,
    NotADraft,
    NotOfThisKind,
    NotReadyToIssue,
    StripeReferenceTaken,
)
from services.billing.models import Account, Invoice
from services.billing.queries import invoices, readiness
from services.billing.queries.readiness import NOTHING


@dataclass(frozen=True, slots=True)
class IssueInvoice:
    """`stripe` is what the lookup found; None where no key is set. `due_at` defaults to the account's terms."""

    invoice_id: UUID
    kind: InvoiceKind
    stripe_invoice_id: str | None = None
    stripe_invoice_url: str | None = None
    due_at: datetime | None = None
    stripe: StripeFacts | None = None


async def issue_invoice(session: AsyncSession, command: IssueInvoice, house: House, now: datetime) -> Invoice:
    invoice = await invoices.lock(session, command.invoice_id)
    if _is_done(invoice, command):
        return invoice
    account = await session.get_one(Account, invoice.account_id)
    due_at = due_of(command.due_at, invoice, account, house, now)
    candidate = Candidate(invoice, account, command.stripe_invoice_id, command.stripe)
    billed = await readiness.billed_on(session, [invoice.id])
    blockers = (await blockers_of(session, [candidate], house.seller, now, billed))[invoice.id]
    if blockers:
        raise NotReadyToIssue(invoice.id, blockers)
    await _take_reference(session, invoice, command)
    assignment_ids = billed.get(invoice.id, NOTHING).assignment_ids
    await issue_drafts(session, [ReadyDraft(invoice, account, due_at, assignment_ids)], house, now)
    return invoice


def _is_done(invoice: Invoice, command: IssueInvoice) -> bool:
    """Whether it is issued already, as it was asked for."""
    if invoice.kind is not command.kind:
        raise NotOfThisKind(f"the invoice is of kind {invoice.kind}", invoice_id=invoice.id)
    if invoice.document_status is DocumentStatus.VOID:
        raise NotADraft("the invoice is void", invoice_id=invoice.id)
    if invoice.document_status is DocumentStatus.DRAFT:
        return False
    if command.stripe_invoice_id not in {None, invoice.stripe_invoice_id}:
        raise AlreadyIssuedOtherwise(
            f"it is issued under {invoice.stripe_invoice_id}", invoice_id=invoice.id, number=invoice.number
        )
    return True


async def _take_reference(session: AsyncSession, invoice: Invoice, command: IssueInvoice) -> None:
    invoice.stripe_invoice_id, invoice.stripe_invoice_url = command.stripe_invoice_id, command.stripe_invoice_url
    taken = StripeReferenceTaken(
        f"{command.stripe_invoice_id} stands on another invoice", stripe_invoice_id=command.stripe_invoice_id
    )
    await flush_or_refuse(session, {"uq_invoices_stripe_invoice_id": taken})
