"""Receivables over time: what was owed at an instant, what was promised, who sees to it, and what was told of it."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.billing.domain.ageing import Aged
from services.billing.domain.promises import PromiseState
from services.billing.domain.receivables import SnapshotKind
from services.billing.models.columns import Table


class ReceivableFigures:
    """What stood at an instant, and of the month until then: net sales, and how late what was paid in it was.

    `late_days` are summed over the `paid_count` invoices that were paid in the month. `true_days` is the age of each
    open invoice, weighted by its share of its month's net sales; None where nothing was sold.
    """

    not_due_cents: Mapped[int]
    to_30_cents: Mapped[int]
    to_60_cents: Mapped[int]
    to_90_cents: Mapped[int]
    over_90_cents: Mapped[int]
    credit_cents: Mapped[int]
    disputed_cents: Mapped[int]
    sales_cents: Mapped[int]
    paid_count: Mapped[int]
    late_days: Mapped[int]
    true_days: Mapped[Decimal | None] = mapped_column(Numeric)

    @property
    def aged(self) -> Aged:
        owed = [self.not_due_cents, self.to_30_cents, self.to_60_cents, self.to_90_cents, self.over_90_cents]
        return Aged(owed, self.credit_cents, self.disputed_cents)


class ReceivablesSnapshot(ReceivableFigures, Table):
    """Written once. It holds what had been posted before `as_of`; `ledger_cents` is what the journal said of that."""

    __tablename__ = "receivables_snapshots"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[SnapshotKind] = mapped_column(Word(SnapshotKind))
    period: Mapped[str | None]
    as_of: Mapped[datetime]
    month_start: Mapped[datetime]
    account_count: Mapped[int]
    ledger_cents: Mapped[int]
    taken_by: Mapped[str]
    taken_at: Mapped[datetime]

    __table_args__ = (
        one_of("kind", SnapshotKind),
        UniqueConstraint("kind", "as_of"),
        CheckConstraint("(kind IN ('month_end', 'month_issued')) = (period IS NOT NULL)", name="period"),
        CheckConstraint("month_start < as_of", name="month"),
        Index("ix_receivables_snapshots_as_of", "as_of", "id"),
    )

    @property
    def ties(self) -> bool:
        return self.aged.total_cents == self.ledger_cents


class SnapshotAccount(ReceivableFigures, Table):
    """One account's part of a snapshot, written with it; those of whom there was nothing to say are left out."""

    __tablename__ = "receivables_snapshot_accounts"

    snapshot_id: Mapped[UUID] = mapped_column(ForeignKey("receivables_snapshots.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)


class Promise(Table):
    """What was promised never changes; it ends once. `settled_cents` is what had paid for the invoice before it."""

    __tablename__ = "promises"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"))
    amount_cents: Mapped[int]
    promised_for: Mapped[date] = mapped_column(Date)
    promised_by: Mapped[str | None]
    note: Mapped[str | None]
    settled_cents: Mapped[int]
    state: Mapped[PromiseState] = mapped_column(Word(PromiseState))
    made_by_id: Mapped[UUID]
    made_by_name: Mapped[str]
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by_name: Mapped[str | None]
    ended_reason: Mapped[str | None]

    __table_args__ = (
        one_of("state", PromiseState),
        CheckConstraint("amount_cents > 0", name="amount_cents"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(ended_at IS NULL) = (ended_by_name IS NULL)", name="ended_by"),
        CheckConstraint("(state = 'withdrawn') = (ended_reason IS NOT NULL)", name="ended_reason"),
        Index("ix_promises_invoice", "invoice_id", "made_at", "id"),
        Index("uq_promises_open", "invoice_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_promises_promised_for", "promised_for", "id", postgresql_where=text("state = 'open'")),
    )


class InvoiceOwner(Table):
    """Who sees to it that an invoice is paid; without a name it was given back, and is nobody's."""

    __tablename__ = "invoice_owners"

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    owner_id: Mapped[UUID | None]
    owner_name: Mapped[str | None]
    changed_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("(owner_id IS NULL) = (owner_name IS NULL)", name="owner"),
        Index("ix_invoice_owners_owner", "owner_id", postgresql_where=text("owner_id IS NOT NULL")),
    )


class Statement(Table):
    """A statement of account that was mailed, as its bytes; written once. To whom is the audit's to know."""

    __tablename__ = "statements"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    from_day: Mapped[date] = mapped_column(Date)
    to_day: Mapped[date] = mapped_column(Date)
    opening_cents: Mapped[int]
    closing_cents: Mapped[int]
    file_name: Mapped[str]
    media_type: Mapped[str]
    sha256: Mapped[str]
    content: Mapped[bytes]
    recipient_count: Mapped[int]
    sent_by_name: Mapped[str]
    sent_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("from_day <= to_day", name="days"),
        CheckConstraint("encode(sha256(content), 'hex') = sha256", name="hash"),
        CheckConstraint("recipient_count > 0", name="recipient_count"),
        Index("ix_statements_account", "account_id", "sent_at"),
    )
