"""Documents after they were rendered: stored once, then handed to whoever mails them."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.ids import new_id
from contracts.billing import InvoiceDocumentRendered, InvoiceSent
from contracts.values import DocumentKind
from services.billing.domain.journal import CURRENCY
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import DocumentNotReady, NotIssued
from services.billing.models import Account, Adjustment, Document, Invoice
from services.billing.queries import contacts, documents, invoices

PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A PDF of an invoice, or of an adjustment's note."""

    kind: DocumentKind
    subject_id: UUID
    content: bytes


async def keep_document(session: AsyncSession, rendered: Rendered, now: datetime) -> None:
    """Stores the bytes and has them mailed. Whoever rendered the same at the same time comes too late, quietly.

    What was issued has its document for good: that of an invoice that is void by then is kept, and mailed to nobody.
    """
    if rendered.kind is DocumentKind.TAX_INVOICE:
        await _keep_invoice(session, rendered, now)
    else:
        await _keep_note(session, rendered, now)


async def resend_invoice(session: AsyncSession, invoice_id: UUID, now: datetime) -> Invoice:
    """The same document once more, to the address that the account has now."""
    invoice = await invoices.lock(session, invoice_id)
    if invoice.document_status is not DocumentStatus.ISSUED:
        raise NotIssued(f"the invoice is {invoice.document_status}: there is nothing to send", invoice_id=invoice_id)
    document = await documents.of_invoice(session, invoice_id)
    await _send(session, invoice, document, now)
    return invoice


async def _keep_invoice(session: AsyncSession, rendered: Rendered, now: datetime) -> None:
    invoice = await invoices.lock(session, rendered.subject_id)
    if invoice.rendered_at is not None:
        return
    invoice.rendered_at = now
    await _keep(session, invoice, _document(rendered, invoice.id, None, _number(invoice.number), now), now)


async def _keep_note(session: AsyncSession, rendered: Rendered, now: datetime) -> None:
    adjustment = await session.get_one(Adjustment, rendered.subject_id)
    invoice = await invoices.lock(session, adjustment.invoice_id)
    await session.refresh(adjustment, with_for_update=True)
    if adjustment.rendered_at is not None:
        return
    adjustment.rendered_at = now
    await _keep(session, invoice, _document(rendered, invoice.id, adjustment.id, _number(adjustment.number), now), now)


def _number(number: str | None) -> str:
    if number is None:
        raise DocumentNotReady("what has no number is not issued")
    return number


def _document(rendered: Rendered, invoice_id: UUID, adjustment_id: UUID | None, number: str, now: datetime) -> Document:
    title = rendered.kind.replace("_", "-").capitalize()
    return Document(
        id=new_id(),
        kind=rendered.kind,
        invoice_id=invoice_id,
        adjustment_id=adjustment_id,
        number=number,
        file_name=f"{title}-{number}.pdf",
        media_type=PDF,
        sha256=sha256(rendered.content).hexdigest(),
        content=rendered.content,
        created_at=now,
    )


async def _keep(session: AsyncSession, invoice: Invoice, document: Document, now: datetime) -> None:
    session.add(document)
    if invoice.document_status is DocumentStatus.ISSUED:
        await _publish(session, invoice, document, now)


async def _publish(session: AsyncSession, invoice: Invoice, document: Document, now: datetime) -> None:
    """The bytes first, then the word to mail them: one key keeps that order on the way."""
    event = InvoiceDocumentRendered(
        invoice_id=invoice.id,
        document_id=document.id,
        kind=document.kind,
        number=document.number,
        file_name=document.file_name,
        media_type=document.media_type,
        sha256=document.sha256,
        content_base64=b64encode(document.content).decode(),
    )
    outbox.add(session, event, version=invoice.next_version())
    await _send(session, invoice, document, now)


async def _send(session: AsyncSession, invoice: Invoice, document: Document, now: datetime) -> None:
    account = await session.get_one(Account, invoice.account_id)
    invoice.send_no += 1
    invoice.sent_at = now
    event = InvoiceSent.model_validate(
        {
            "invoice_id": invoice.id,
            "document_id": document.id,
            "kind": invoice.kind,
            "number": document.number,
            "send_no": invoice.send_no,
            "recipient_name": account.billing_name or account.name,
            "recipient_email": account.billing_email,
            "total_cents": invoice.total_cents,
            "balance_cents": invoice.balance_cents,
            "currency": CURRENCY,
            "due_at": invoice.due_at,
            "payment_url": invoice.stripe_invoice_url,
            "sent_at": now,
            "copy_to": await contacts.invoice_copies(session, account),
        }
    )
    outbox.add(session, event, version=invoice.next_version())
