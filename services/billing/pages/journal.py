"""The journal: every posting once, with what it debits and credits. Written by what happens, never by hand."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response
from litestar.params import FromPath
from sqlalchemy import BigInteger, Select, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown
from chassis.console.documents import Document, Fact, Table, show_document
from chassis.console.listing import (
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Listing,
    Option,
    Search,
    Tab,
    among,
    routes_of,
)
from chassis.console.wording import money, words
from chassis.database import Database
from chassis.http import Given
from contracts.identity import Capability
from services.billing.domain.journal import LedgerAccount, PostingKind
from services.billing.domain.periods import Period
from services.billing.domain.statuses import DocumentStatus
from services.billing.models import Account, Invoice, JournalEntry, JournalPosting
from services.billing.pages.doors import account_name, account_path, invoice_number, invoice_path
from services.billing.pages.filters import BeforeSnapshot
from services.billing.queries import journal

ROOM = "journal"
PATH = "/console/journal"
NOTHING = Shown(None)
SALES = (
    PostingKind.INVOICE_ISSUED,
    PostingKind.INVOICE_VOIDED,
    PostingKind.DEBIT_CHARGED,
    PostingKind.CREDIT_GIVEN,
)
"""What sales are the sum of: invoices and debits less voids and credits."""

ACCOUNTS: Mapping[str, str] = {
    LedgerAccount.RECEIVABLE: "Receivable",
    LedgerAccount.REVENUE: "Revenue",
    LedgerAccount.GST_PAYABLE: "GST payable",
    LedgerAccount.CUSTOMER_CREDIT: "Customer credit",
    LedgerAccount.CREDITS_GIVEN: "Credits given",
    LedgerAccount.BAD_DEBTS: "Bad debts",
    LedgerAccount.CASH: "Cash",
    LedgerAccount.STRIPE_CLEARING: "Stripe clearing",
    LedgerAccount.STRIPE_FEES: "Stripe fees",
    LedgerAccount.EXPERT_COST: "Expert cost",
    LedgerAccount.EXPERT_PAYABLE: "Expert payable",
}


def _of_posting(value: Any, condition: Any) -> Any:
    """A posting has a handful of entries, found by its key."""
    of_it = select(value).where(JournalEntry.posting_id == JournalPosting.id, condition)
    return of_it.correlate(JournalPosting).scalar_subquery()


def _accounts_with(condition: Any) -> Any:
    account = cast(JournalEntry.account, Text)
    return _of_posting(func.string_agg(account, aggregate_order_by(literal(", "), JournalEntry.entry_no)), condition)


def _say_accounts(accounts: str) -> str:
    return ", ".join(ACCOUNTS[account] for account in accounts.split(", "))


def _on(account: LedgerAccount) -> Any:
    return (
        select(JournalEntry.posting_id)
        .where(JournalEntry.posting_id == JournalPosting.id, JournalEntry.account == account)
        .correlate(JournalPosting)
        .exists()
    )


def standing_issues(month: Period, zone: ZoneInfo, party_id: UUID | None = None) -> str:
    """The address of the issues of a month whose invoices were not voided since: they come to what was invoiced."""
    first, last = month.days(zone)
    whose = f"&party_id={party_id}" if party_id else ""
    return f"{PATH}?kind=invoice_issued&invoice=stands&dated_from={first}&dated_to={last}{whose}"


def sales(first: date, snapshot_id: UUID, party_id: UUID | None = None) -> str:
    """The address of what sales are net of, from a day until a snapshot of the receivables."""
    kinds = "&".join(f"kind={kind}" for kind in SALES)
    whose = f"&party_id={party_id}" if party_id else ""
    return f"{PATH}?{kinds}&posted_from={first}&snapshot={snapshot_id}{whose}"


ROWS: Select[Any] = (
    select()
    .select_from(JournalPosting)
    .outerjoin(Invoice, Invoice.id == JournalPosting.invoice_id)
    .outerjoin(Account, Account.id == JournalPosting.party_id)
)

LISTING = Listing(
    name=ROOM,
    title="Journal",
    noun=("posting", "postings"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=ROWS,
    key=JournalPosting.id,
    order="-dated",
    note="Every posting is written once, by what it records, and never changed.",
    links=(("Trial balance", f"{PATH}/trial-balance", None),),
    columns=(
        Column("kind", "What happened", JournalPosting.kind, Kind.WORD),
        Column("dated", "Dated", JournalPosting.occurred_at, Kind.DAY, sorts=True),
        Column(
            "document",
            "Document",
            Invoice.number,
            path=lambda row: invoice_path(row.invoice_kind, row.invoice_id) if row.invoice_id else "",
        ),
        Column("party", "Party", Account.name, wraps=True),
        Column(
            "debit", "Debit", _accounts_with(JournalEntry.amount_cents > 0), say=lambda row: _say_accounts(row.debit)
        ),
        Column(
            "credit", "Credit", _accounts_with(JournalEntry.amount_cents < 0), say=lambda row: _say_accounts(row.credit)
        ),
        Column(
            "amount",
            "Amount",
            _of_posting(cast(func.sum(JournalEntry.amount_cents), BigInteger), JournalEntry.amount_cents > 0),
            Kind.MONEY,
        ),
        Column("posted", "Posted", JournalPosting.posted_at, Kind.INSTANT, is_extra=True),
        Column("source", "Source", JournalPosting.source_key, is_extra=True),
        Column("invoice_id", "Invoice id", JournalPosting.invoice_id, Kind.ID, is_extra=True),
        Column("payout_id", "Payout id", JournalPosting.payout_id, Kind.ID, is_extra=True),
    ),
    also={"invoice_kind": Invoice.kind},
    filters=(
        Search(
            "q",
            "Invoice, party or source",
            texts=(Invoice.number, Account.name, JournalPosting.source_key),
            ids=(JournalPosting.id, JournalPosting.invoice_id, JournalPosting.payout_id),
        ),
        Choice("kind", "What happened", options=among(JournalPosting.kind, PostingKind)),
        Choice("on", "Account", options=[Option(each, ACCOUNTS[each], _on(each)) for each in LedgerAccount]),
        Choice(
            "invoice",
            "Its invoice",
            options=(
                Option("stands", "Stands", Invoice.document_status == DocumentStatus.ISSUED),
                Option("void", "Void since", Invoice.document_status == DocumentStatus.VOID),
            ),
        ),
        Days("dated", "Dated", column=JournalPosting.occurred_at),
        Days("posted", "Posted", column=JournalPosting.posted_at),
        BeforeSnapshot("snapshot", "Posted before the snapshot", column=JournalPosting.posted_at),
        Exact("invoice_id", "Invoice", column=JournalPosting.invoice_id, name_of=invoice_number),
        Exact("party_id", "Party", column=JournalPosting.party_id, name_of=account_name),
    ),
    tabs=(
        Tab("All"),
        Tab("Invoices", "kind=invoice_issued&kind=invoice_voided"),
        Tab("Money in", "kind=payment_received"),
    ),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty("No postings", "Issuing an invoice, a payment, a credit or a payout posts to the journal.", "scale"),
)


@page_at(PATH + "/{posting_id:uuid}", Capability.READ_OPS)
async def show_posting(
    posting_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
) -> Response[str]:
    async with database.reading() as session:
        posting = await journal.find(session, posting_id)
        entries = (await journal.entries_of(session, [posting_id]))[posting_id]
        invoice = await session.get(Invoice, posting.invoice_id) if posting.invoice_id else None
        party = await session.get(Account, posting.party_id) if posting.party_id else None
    total_cents = sum(entry.amount_cents for entry in entries if entry.amount_cents > 0)
    document = Document(
        title=words(posting.kind),
        room=ROOM,
        up=("Journal", PATH),
        sentence=f"Dated {console.wording.exact(posting.occurred_at)}, and never changed since it was posted.",
        amount=money(total_cents),
        amount_note="AUD debited and credited",
        facts=[
            Fact("Invoice", Shown(invoice.number, path=invoice_path(invoice.kind, invoice.id)) if invoice else NOTHING),
            Fact("Party", Shown(party.name, path=account_path(party.id)) if party else NOTHING),
            Fact("Posted", Shown(posting.posted_at, Kind.INSTANT)),
            Fact("Source", Shown(posting.source_key)),
            Fact("Payout id", Shown(str(posting.payout_id) if posting.payout_id else None, Kind.ID)),
            Fact("Posting id", Shown(str(posting.id), Kind.ID)),
        ],
        sections=[_entries_table(entries, total_cents)],
        links=[("Trace it to its delivery", f"/console/trace/{posting.id}")],
        timeline=None,
    )
    return show_document(console, request, document)


def _entries_table(entries: Sequence[JournalEntry], total_cents: int) -> Table:
    rows = [
        (
            Shown(ACCOUNTS[entry.account], path=f"{PATH}?on={entry.account}"),
            Shown(max(0, entry.amount_cents), Kind.MONEY),
            Shown(max(0, -entry.amount_cents), Kind.MONEY),
        )
        for entry in entries
    ]
    both = Shown(total_cents, Kind.MONEY)
    heads = (("Account", Kind.TEXT), ("Debit", Kind.MONEY), ("Credit", Kind.MONEY))
    return Table("Entries", heads, rows, foot=("Sum", both, both))


ROUTES = (*routes_of(LISTING), show_posting)
