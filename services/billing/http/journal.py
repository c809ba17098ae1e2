"""The books over HTTP: what stands on each account, and whether they tie."""

from datetime import datetime
from typing import Self
from uuid import UUID

from litestar import get
from litestar.params import FromQuery
from pydantic import BaseModel

from chassis.database import Database
from chassis.http import Given, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.billing.domain.journal import LedgerAccount, PostingKind
from services.billing.models import JournalEntry, JournalPosting
from services.billing.queries import journal


class LedgerAccountView(BaseModel):
    account: LedgerAccount
    currency: str
    debit_cents: int
    credit_cents: int
    balance_cents: int


class TrialBalance(BaseModel):
    """Debit equals credit, the receivable is what the invoices owe, the customers' credit is what their accounts say.

    `ties` says that all of it holds.
    """

    accounts: list[LedgerAccountView]
    debit_cents: int
    credit_cents: int
    receivable_ledger_cents: int
    receivable_invoices_cents: int
    customer_credit_ledger_cents: int
    customer_credit_accounts_cents: int
    ties: bool


class EntryView(BaseModel):
    """Debit positive, credit negative."""

    account: LedgerAccount
    amount_cents: int
    currency: str


class PostingView(BaseModel):
    id: UUID
    source_key: str
    kind: PostingKind
    occurred_at: datetime
    posted_at: datetime
    party_id: UUID | None
    invoice_id: UUID | None
    payout_id: UUID | None
    entries: list[EntryView]

    @classmethod
    def of(cls, posting: JournalPosting, entries: list[JournalEntry]) -> Self:
        own = {name: getattr(posting, name) for name in cls.model_fields if hasattr(posting, name)}
        return cls(**own, entries=[EntryView.model_validate(entry, from_attributes=True) for entry in entries])


@get("/admin/billing/journal/trial-balance", guards=[requires(Capability.READ_OPS)])
async def get_trial_balance(database: Given[Database]) -> TrialBalance:
    async with database.reading() as session:
        accounts = await journal.trial_balance(session)
        receivable = await journal.receivable_control(session)
        credit = await journal.customer_credit_control(session)
    debit_cents = sum(account.debit_cents for account in accounts)
    credit_cents = sum(account.credit_cents for account in accounts)
    return TrialBalance(
        accounts=[LedgerAccountView.model_validate(account, from_attributes=True) for account in accounts],
        debit_cents=debit_cents,
        credit_cents=credit_cents,
        receivable_ledger_cents=receivable.ledger_cents,
        receivable_invoices_cents=receivable.invoices_cents,
        customer_credit_ledger_cents=credit.ledger_cents,
        customer_credit_accounts_cents=credit.accounts_cents,
        ties=debit_cents == credit_cents and receivable.ties and credit.ties,
    )


@get("/admin/billing/journal/postings", guards=[requires(Capability.READ_OPS)])
async def list_postings(
    database: Given[Database],
    page: Given[PageRequest],
    invoice_id: FromQuery[UUID | None] = None,
    payout_id: FromQuery[UUID | None] = None,
) -> Page[PostingView]:
    """Newest first, each with its entries."""
    async with database.reading() as session:
        postings = await journal.list_postings(session, page, invoice_id=invoice_id, payout_id=payout_id)
        entries = await journal.entries_of(session, [posting.id for posting in postings])
    return page.page(postings, lambda row: (row.occurred_at, row.id), lambda row: PostingView.of(row, entries[row.id]))


ROUTES = (get_trial_balance, list_postings)
