"""The gate before issue: for however many drafts at once, everything that stands in the way of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.issuing import Readiness, StripeFacts, issue_blockers
from services.billing.domain.tax_invoice import Blocker, Face, Party
from services.billing.models import Account, Invoice
from services.billing.queries import readiness


@dataclass(frozen=True, slots=True)
class Candidate:
    """A draft with the Stripe reference that its issue brings; `stripe` is what the lookup of it found, if any."""

    invoice: Invoice
    account: Account
    stripe_invoice_id: str | None = None
    stripe: StripeFacts | None = None


async def blockers_of(
    session: AsyncSession, candidates: Sequence[Candidate], seller: Party, now: datetime
) -> dict[UUID, tuple[Blocker, ...]]:
    """By invoice; none where nothing is in its way."""
    ids = [each.invoice.id for each in candidates]
    lines = await readiness.face_lines(session, ids)
    held, unbilled = await readiness.held_of(session, ids), await readiness.unbilled_of(session, ids)
    found: dict[UUID, tuple[Blocker, ...]] = {}
    for each in candidates:
        invoice, account = each.invoice, each.account
        face = Face(seller, buyer_of(account), now, lines[invoice.id], invoice.gst_cents, invoice.total_cents)
        found[invoice.id] = issue_blockers(
            Readiness(
                kind=invoice.kind,
                face=face,
                currency=invoice.currency,
                buyer_email=account.billing_email,
                stripe_invoice_id=each.stripe_invoice_id,
                stripe_customer_id=account.stripe_customer_id,
                stripe=each.stripe,
                held_assignment_ids=held.get(invoice.id, ()),
                unbilled_count=unbilled.get(invoice.id, 0),
            )
        )
    return found


def buyer_of(account: Account) -> Party:
    return Party(account.billing_name or account.name, account.abn, account.billing_address, account.billing_email)
