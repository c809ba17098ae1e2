"""The gate before issue: for however many drafts at once, everything that stands in the way of each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.issuing import Readiness, StripeFacts, issue_blockers
from services.billing.domain.periods import Period
from services.billing.domain.tax_invoice import Blocker, Face, Party
from services.billing.domain.unrecorded import Span, Unrecorded
from services.billing.errors import MonthHasUnrecordedDeliveries
from services.billing.models import Account, Invoice
from services.billing.queries import readiness, unrecorded
from services.billing.queries.readiness import Billed


@dataclass(frozen=True, slots=True)
class Candidate:
    """A draft with the Stripe reference that its issue brings; `stripe` is what the lookup of it found, if any."""

    invoice: Invoice
    account: Account
    stripe_invoice_id: str | None = None
    stripe: StripeFacts | None = None


async def refuse_unrecorded(session: AsyncSession, period: Period, installer_ids: Collection[UUID] | None) -> None:
    """A month is drafted once all that was sent in it can be in the ledger; of all installers, or of the given ones."""
    lost = await unrecorded.unrecorded(session)
    span = Span(period.start, period.end)
    if number := lost.count_of(span, installer_ids):
        named = [each.parked_event_id for each in lost.of(span, installer_ids)]
        raise MonthHasUnrecordedDeliveries(period.name, number, named)


async def blockers_of(
    session: AsyncSession,
    candidates: Sequence[Candidate],
    seller: Party,
    now: datetime,
    billed: Mapping[UUID, Billed] | None = None,
) -> dict[UUID, tuple[Blocker, ...]]:
    """By invoice; none where nothing is in its way. Who issues has read `billed` already; others only count."""
    ids = [each.invoice.id for each in candidates]
    lines = await readiness.face_lines(session, ids)
    held = await readiness.held_of(session, ids)
    unbilled = await readiness.unbilled_of(session, ids) if billed is None else _unbilled(billed)
    lost = await unrecorded.unrecorded(session)
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
                unrecorded_count=_lost_of(invoice, lost),
            )
        )
    return found


def _unbilled(billed: Mapping[UUID, Billed]) -> dict[UUID, int]:
    return {id_: each.unbilled_count for id_, each in billed.items()}


def _lost_of(invoice: Invoice, lost: Unrecorded) -> int:
    if invoice.period_start is None or invoice.period_end is None:
        return 0
    return lost.count_of(Span(invoice.period_start, invoice.period_end), [invoice.account_id])


def buyer_of(account: Account) -> Party:
    return Party(account.billing_name or account.name, account.abn, account.billing_address, account.billing_email)
