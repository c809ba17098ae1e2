"""The double-entry journal: append-only, every posting once, its entries summing to zero."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.billing.domain.journal import LedgerAccount, PostingKind
from services.billing.models.columns import Table


class JournalPosting(Table):
    __tablename__ = "journal_postings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[PostingKind] = mapped_column(Word(PostingKind))
    occurred_at: Mapped[datetime]
    posted_at: Mapped[datetime]
    party_id: Mapped[UUID | None]
    invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"), index=True)
    payout_id: Mapped[UUID | None] = mapped_column(index=True)

    __table_args__ = (
        one_of("kind", PostingKind),
        Index("ix_journal_postings_occurred_at", "occurred_at", "id"),
        Index(
            "ix_journal_postings_party",
            "party_id",
            postgresql_where=text("party_id IS NOT NULL AND invoice_id IS NULL AND payout_id IS NULL"),
        ),
    )


class JournalEntry(Table):
    """Debit positive, credit negative, in cents of `currency`."""

    __tablename__ = "journal_entries"

    posting_id: Mapped[UUID] = mapped_column(ForeignKey("journal_postings.id"), primary_key=True)
    entry_no: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[LedgerAccount] = mapped_column(Word(LedgerAccount))
    amount_cents: Mapped[int]
    currency: Mapped[str]

    __table_args__ = (
        one_of("account", LedgerAccount),
        CheckConstraint("amount_cents <> 0", name="amount_cents"),
        CheckConstraint("currency = 'AUD'", name="currency"),
        Index("ix_journal_entries_account", "account", "currency"),
    )
