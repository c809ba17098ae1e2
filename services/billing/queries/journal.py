"""The books: what stands on each account, and whether they tie."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.billing.domain.journal import LedgerAccount
from services.billing.domain.statuses import DocumentStatus
from services.billing.errors import PostingNotFound
from services.billing.models import Account, Invoice, JournalEntry, JournalPosting, PaymentReversal, Receipt


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """`balance_cents` is debit less credit."""

    account: LedgerAccount
    currency: str
    debit_cents: int
    credit_cents: int

    @property
    def balance_cents(self) -> int:
        return self.debit_cents - self.credit_cents


@dataclass(frozen=True, slots=True)
class ReceivableControl:
    """What the journal says is owed to us, and what the invoices say."""

    ledger_cents: int
    invoices_cents: int

    @property
    def ties(self) -> bool:
        return self.ledger_cents == self.invoices_cents


@dataclass(frozen=True, slots=True)
class CustomerCreditControl:
    """What the journal says is the customers', what their accounts say, and what their invoices and receipts left."""

    ledger_cents: int
    accounts_cents: int
    invoices_cents: int

    @property
    def ties(self) -> bool:
        return self.ledger_cents == self.accounts_cents == self.invoices_cents


@dataclass(frozen=True, slots=True)
class PostedAmount:
    """What a posting moved on one account, whichever way."""

    invoice_id: UUID | None
    amount_cents: int


async def trial_balance(session: AsyncSession) -> list[AccountBalance]:
    """Every account that was ever posted to; over all of them debit equals credit."""
    debit = func.coalesce(func.sum(JournalEntry.amount_cents).filter(JournalEntry.amount_cents > 0), 0)
    credit = func.coalesce(func.sum(-JournalEntry.amount_cents).filter(JournalEntry.amount_cents < 0), 0)
    query = (
        select(JournalEntry.account, JournalEntry.currency, debit, credit)
        .group_by(JournalEntry.account, JournalEntry.currency)
        .order_by(JournalEntry.account, JournalEntry.currency)
    )
    return [
        AccountBalance(account, currency, int(d), int(c)) for account, currency, d, c in await session.execute(query)
    ]


async def receivable_control(session: AsyncSession) -> ReceivableControl:
    """One statement, one snapshot: a payment committed between two would look like a difference."""
    ledger = select(func.coalesce(func.sum(JournalEntry.amount_cents), 0)).where(
        JournalEntry.account == LedgerAccount.RECEIVABLE
    )
    owed = select(func.coalesce(func.sum(Invoice.balance_cents), 0)).where(
        Invoice.document_status == DocumentStatus.ISSUED
    )
    row = (await session.execute(select(ledger.scalar_subquery(), owed.scalar_subquery()))).one()
    return ReceivableControl(int(row[0]), int(row[1]))


async def customer_credit_control(session: AsyncSession) -> CustomerCreditControl:
    ledger = select(func.coalesce(-func.sum(JournalEntry.amount_cents), 0)).where(
        JournalEntry.account == LedgerAccount.CUSTOMER_CREDIT
    )
    of_accounts = select(func.coalesce(func.sum(Account.customer_credit_cents), 0))
    of_invoices = select(func.coalesce(func.sum(Invoice.customer_credit_cents), 0))
    rests = select(func.coalesce(func.sum(Receipt.rest_cents), 0))
    gone = select(func.coalesce(func.sum(PaymentReversal.amount_cents), 0)).where(
        PaymentReversal.receipt_id.is_not(None)
    )
    sums = [query.scalar_subquery() for query in (ledger, of_accounts, of_invoices, rests, gone)]
    found = [int(cents) for cents in (await session.execute(select(*sums))).one()]
    return CustomerCreditControl(found[0], found[1], found[2] + found[3] - found[4])


async def amount_of(session: AsyncSession, source_key: str, account: LedgerAccount) -> PostedAmount | None:
    """None where the fact is not posted yet."""
    query = (
        select(JournalPosting.invoice_id, JournalEntry.amount_cents)
        .join(JournalEntry, JournalEntry.posting_id == JournalPosting.id)
        .where(JournalPosting.source_key == source_key, JournalEntry.account == account)
    )
    row = (await session.execute(query)).one_or_none()
    return PostedAmount(row.invoice_id, abs(row.amount_cents)) if row else None


async def debited(session: AsyncSession, source_keys: Sequence[str]) -> Sequence[tuple[JournalPosting, int]]:
    """The postings of these facts with what each debits, as they were posted."""
    cents = func.sum(JournalEntry.amount_cents).filter(JournalEntry.amount_cents > 0)
    query = (
        select(JournalPosting, cents)
        .join(JournalEntry, JournalEntry.posting_id == JournalPosting.id)
        .where(JournalPosting.source_key.in_(source_keys))
        .group_by(JournalPosting.id)
        .order_by(JournalPosting.posted_at, JournalPosting.id)
    )
    return [(row[0], int(row[1])) for row in await session.execute(query)]


async def find(session: AsyncSession, posting_id: UUID) -> JournalPosting:
    return PostingNotFound.unless(
        await session.get(JournalPosting, posting_id), "the journal has no such posting", posting_id=posting_id
    )


async def list_postings(
    session: AsyncSession, page: PageRequest, *, invoice_id: UUID | None = None, payout_id: UUID | None = None
) -> Sequence[JournalPosting]:
    """Newest first."""
    query = select(JournalPosting)
    if invoice_id is not None:
        query = query.where(JournalPosting.invoice_id == invoice_id)
    if payout_id is not None:
        query = query.where(JournalPosting.payout_id == payout_id)
    query = page.apply(query, JournalPosting.occurred_at, JournalPosting.id)
    return (await session.scalars(query)).all()


async def entries_of(session: AsyncSession, posting_ids: Sequence[UUID]) -> dict[UUID, list[JournalEntry]]:
    query = select(JournalEntry).where(JournalEntry.posting_id.in_(posting_ids))
    entries: dict[UUID, list[JournalEntry]] = {id_: [] for id_ in posting_ids}
    for entry in await session.scalars(query.order_by(JournalEntry.posting_id, JournalEntry.entry_no)):
        entries[entry.posting_id].append(entry)
    return entries
