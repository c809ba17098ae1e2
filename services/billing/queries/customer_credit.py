"""Where a customer's credit lies, and what of it pays for invoices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, cast, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.billing.domain.journal import LedgerAccount, PostingKind
from services.billing.models import Invoice, JournalEntry, JournalPosting, PaymentReversal, Receipt

GONE = (
    select(func.coalesce(func.sum(PaymentReversal.amount_cents), 0))
    .where(PaymentReversal.receipt_id == Receipt.id)
    .correlate(Receipt)
    .scalar_subquery()
)
REST_LEFT_CENTS = cast(Receipt.rest_cents - GONE, BigInteger)


@dataclass(frozen=True, slots=True)
class Source:
    """A receipt whose rest, or an invoice whose overpayment or credit note, was left to the customer.

    Of one that pays for another invoice by now, it is still here in full: the account's credit is the sum of the
    sources less what is applied.
    """

    receipt_id: UUID | None
    invoice_id: UUID | None
    name: str
    since: datetime | None
    cents: int


@dataclass(frozen=True, slots=True)
class Application:
    """Credit that pays for an invoice and can be taken back from it."""

    application_id: UUID
    invoice_id: UUID
    number: str | None
    amount_cents: int
    applied_at: datetime


async def sources(session: AsyncSession, account_id: UUID) -> list[Source]:
    rests = (
        select(Receipt.id, func.coalesce(Receipt.reference, Receipt.external_payment_ref), Receipt.received_at)
        .add_columns(REST_LEFT_CENTS)
        .where(Receipt.account_id == account_id, REST_LEFT_CENTS > 0)
        .order_by(Receipt.received_at, Receipt.id)
    )
    left = (
        select(Invoice.id, Invoice.number, Invoice.issued_at, Invoice.customer_credit_cents)
        .where(Invoice.account_id == account_id, Invoice.customer_credit_cents > 0)
        .order_by(Invoice.issued_at, Invoice.id)
    )
    of_receipts = [Source(row[0], None, row[1], row[2], int(row[3])) for row in await session.execute(rests)]
    return of_receipts + [Source(None, row[0], row[1] or "", row[2], row[3]) for row in await session.execute(left)]


async def applications(
    session: AsyncSession, account_id: UUID, invoice_id: UUID | None = None
) -> Sequence[Application]:
    """Those that stand, of the account or of one of its invoices; the latest first."""
    reversed_ = aliased(JournalPosting)
    query = (
        select(JournalPosting.source_key, Invoice.id, Invoice.number, JournalEntry.amount_cents)
        .add_columns(JournalPosting.posted_at)
        .join(Invoice, Invoice.id == JournalPosting.invoice_id)
        .join(JournalEntry, JournalEntry.posting_id == JournalPosting.id)
        .where(Invoice.account_id == account_id, JournalPosting.kind == PostingKind.CREDIT_APPLIED)
        .where(JournalEntry.account == LedgerAccount.CUSTOMER_CREDIT)
        .where(~exists().where(reversed_.source_key == JournalPosting.source_key + ":reversed"))
        .order_by(JournalPosting.posted_at.desc(), JournalPosting.id.desc())
    )
    if invoice_id is not None:
        query = query.where(Invoice.id == invoice_id)
    return [
        Application(UUID(key.removeprefix("credit_application:")), id_, number, cents, at)
        for key, id_, number, cents, at in await session.execute(query)
    ]
