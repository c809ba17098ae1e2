"""The Stripe reference of a draft: kept as soon as the invoice is made in Stripe, so that many are issued at once."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.constraints import flush_or_refuse
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import NotADraft, StripeReferenceTaken
from services.billing.models import Invoice
from services.billing.queries import invoices


@dataclass(frozen=True, slots=True)
class KeepReference:
    """None takes it back."""

    invoice_id: UUID
    stripe_invoice_id: str | None
    stripe_invoice_url: str | None = None


async def keep_reference(session: AsyncSession, command: KeepReference) -> Invoice:
    """Nothing is said of it to anyone: the issue does, and looks it up."""
    invoice = await invoices.lock(session, command.invoice_id)
    if invoice.document_status is not DocumentStatus.DRAFT:
        raise NotADraft(f"the invoice is {invoice.document_status}: its reference stays", invoice_id=invoice.id)
    invoice.stripe_invoice_id, invoice.stripe_invoice_url = command.stripe_invoice_id, command.stripe_invoice_url
    detail = f"{command.stripe_invoice_id} stands on another invoice"
    taken = StripeReferenceTaken(detail, stripe_invoice_id=command.stripe_invoice_id)
    await flush_or_refuse(session, {"uq_invoices_stripe_invoice_id": taken})
    return invoice
