"""Issuing an invoice: through the gate, with the next number, frozen, posted, all in one transaction."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.constraints import flush_or_refuse
from contracts.billing import InvoiceIssued
from contracts.values import InvoiceKind
from services.billing.commands.credit_requests import settle_issued
from services.billing.commands.deliveries_listed import list_invoiced
from services.billing.commands.gate import Candidate, blockers_of, buyer_of
from services.billing.commands.house import House, terms_days
from services.billing.commands.journal import post
from services.billing.commands.numbers import Series, next_number
from services.billing.commands.payments import note_if_paid
from services.billing.commands.stripe_events import wake_unmatched
from services.billing.domain import periods
from services.billing.domain.issuing import StripeFacts
from services.billing.domain.journal import CURRENCY, Posting, PostingKind, invoice_entries
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import (
    AlreadyIssuedOtherwise,
    DueBeforeIssue,
    NotADraft,
    NotOfThisKind,
    NotReadyToIssue,
    StripeReferenceTaken,
)
from services.billing.models import Account, Invoice
from services.billing.queries import invoices


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
    due_at = _due_at(command, account, house, now)
    candidate = Candidate(invoice, account, command.stripe_invoice_id, command.stripe)
    blockers = (await blockers_of(session, [candidate], house.seller, now))[invoice.id]
    if blockers:
        raise NotReadyToIssue(invoice.id, blockers)
    await _take_reference(session, invoice, command, now)
    invoice.number = await next_number(session, house.numbering, Series.INVOICE)
    invoice.seller = asdict(house.seller) | {"payment_details": house.payment_details}
    invoice.buyer = asdict(buyer_of(account))
    invoice.document_status = DocumentStatus.ISSUED
    # Its mail follows from the issue by itself, as soon as the document is rendered.
    invoice.issued_at = invoice.sent_at = now
    invoice.due_at = due_at
    await session.flush()
    await post(session, [_posting(invoice, now)], now)
    outbox.add(session, issued_event(invoice), version=invoice.next_version())
    await list_invoiced(session, invoice, now)
    note_if_paid(session, invoice, now)
    await settle_issued(session, invoice, house.approval, now)
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


def _due_at(command: IssueInvoice, account: Account, house: House, now: datetime) -> datetime:
    due_at = command.due_at or periods.due_at(now, terms_days(account, house), house.zone)
    if due_at < now:
        raise DueBeforeIssue("an invoice is due after it is issued", invoice_id=command.invoice_id)
    return due_at


async def _take_reference(session: AsyncSession, invoice: Invoice, command: IssueInvoice, now: datetime) -> None:
    invoice.stripe_invoice_id, invoice.stripe_invoice_url = command.stripe_invoice_id, command.stripe_invoice_url
    if command.stripe_invoice_id is None:
        return
    taken = StripeReferenceTaken(
        f"{command.stripe_invoice_id} stands on another invoice", stripe_invoice_id=command.stripe_invoice_id
    )
    await flush_or_refuse(session, {"uq_invoices_stripe_invoice_id": taken})
    # A webhook may have come before us: its turn is now.
    await wake_unmatched(session, command.stripe_invoice_id, now)


def _posting(invoice: Invoice, now: datetime) -> Posting:
    return Posting(
        source_key=f"invoice:{invoice.id}:issued",
        kind=PostingKind.INVOICE_ISSUED,
        occurred_at=now,
        entries=invoice_entries(invoice.subtotal_cents, invoice.gst_cents),
        party_id=invoice.account_id,
        invoice_id=invoice.id,
    )


def issued_event(invoice: Invoice) -> InvoiceIssued:
    return InvoiceIssued.model_validate(
        {
            "invoice_id": invoice.id,
            "kind": invoice.kind,
            "number": invoice.number,
            **invoice.parties,
            "subtotal_cents": invoice.subtotal_cents,
            "gst_cents": invoice.gst_cents,
            "total_cents": invoice.total_cents,
            "currency": CURRENCY,
            "stripe_invoice_id": invoice.stripe_invoice_id,
            "issued_at": invoice.issued_at,
            "due_at": invoice.due_at,
        }
    )
