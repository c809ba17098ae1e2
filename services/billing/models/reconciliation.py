"""Our books beside Stripe's: runs that compare them, what Stripe said, in what they differ, and who looked at it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned
from services.billing.domain.reconciliation import (
    About,
    AcceptReason,
    DifferenceKind,
    DifferenceState,
    ItemKind,
    Report,
    RunMode,
    Stage,
)
from services.billing.models.columns import Table


class Reconciliation(Table):
    """One run. `due_at` names the nightly one, so that it is started once; `cursor` is how far its list was read.

    `first_at` and `last_at` are what it covers at Stripe; without a first there is no beginning. Differences are
    counted as they stand at its end.
    """

    __tablename__ = "reconciliations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mode: Mapped[RunMode] = mapped_column(Word(RunMode))
    report: Mapped[Report | None] = mapped_column(Word(Report))
    due_at: Mapped[datetime | None] = mapped_column(unique=True)
    asked_by_id: Mapped[UUID | None]
    asked_by_name: Mapped[str]
    started_at: Mapped[datetime]
    first_at: Mapped[datetime | None]
    last_at: Mapped[datetime]
    stage: Mapped[Stage] = mapped_column(Word(Stage))
    cursor: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    next_attempt_at: Mapped[datetime]
    detail: Mapped[str | None]
    item_count: Mapped[int] = mapped_column(default=0, server_default="0")
    opened_count: Mapped[int] = mapped_column(default=0, server_default="0")
    closed_count: Mapped[int] = mapped_column(default=0, server_default="0")
    open_count: Mapped[int] = mapped_column(default=0, server_default="0")
    theirs_balance_cents: Mapped[int | None]
    ours_balance_cents: Mapped[int | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("mode", RunMode),
        CheckConstraint("report IS NULL OR report IN ('balance', 'invoices')", name="report"),
        one_of("stage", Stage),
        CheckConstraint("(mode = 'uploaded') = (report IS NOT NULL)", name="uploaded_is_a_report"),
        CheckConstraint("(stage = 'finished') = (finished_at IS NOT NULL)", name="finished"),
        Index("ix_reconciliations_started_at", "started_at", "id"),
        Index(
            "uq_reconciliations_one_asks",
            "mode",
            unique=True,
            postgresql_where=text("mode = 'asked' AND stage <> 'finished'"),
        ),
    )


class SeenItem(Table):
    """A thing of Stripe's as it was last seen there: what is compared with ours is all of these, however old."""

    __tablename__ = "stripe_items"

    kind: Mapped[ItemKind] = mapped_column(Word(ItemKind), primary_key=True)
    stripe_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    amount_cents: Mapped[int]
    fee_cents: Mapped[int]
    currency: Mapped[str]
    type: Mapped[str | None]
    source_ref: Mapped[str | None]
    payment_ref: Mapped[str | None]
    occurred_at: Mapped[datetime]
    seen_at: Mapped[datetime]

    __table_args__ = (
        one_of("kind", ItemKind),
        Index("ix_stripe_items_payment", "payment_ref", postgresql_where=text("payment_ref IS NOT NULL")),
        Index("ix_stripe_items_source", "source_ref", postgresql_where=text("source_ref IS NOT NULL")),
        Index("ix_stripe_items_open", "occurred_at", postgresql_where=text("kind = 'invoice' AND state = 'open'")),
    )


class Difference(Versioned, Table):
    """One for each thing and each respect in which it differs; found again after it was gone, it is open again.

    An accepted one stays accepted until what is said on either side changes.
    """

    __tablename__ = "differences"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    about: Mapped[About] = mapped_column(Word(About))
    about_key: Mapped[str]
    kind: Mapped[DifferenceKind] = mapped_column(Word(DifferenceKind))
    code: Mapped[str]
    invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"))
    payment_id: Mapped[UUID | None]
    stripe_id: Mapped[str | None]
    ours_cents: Mapped[int | None]
    theirs_cents: Mapped[int | None]
    ours_state: Mapped[str | None]
    theirs_state: Mapped[str | None]
    state: Mapped[DifferenceState] = mapped_column(Word(DifferenceState))
    owner_id: Mapped[UUID | None]
    owner_name: Mapped[str | None]
    reason_code: Mapped[AcceptReason | None] = mapped_column(Word(AcceptReason))
    reason_text: Mapped[str | None]
    accepted_by_name: Mapped[str | None]
    first_seen_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    __table_args__ = (
        one_of("about", About),
        one_of("kind", DifferenceKind),
        one_of("state", DifferenceState),
        CheckConstraint("(state = 'accepted') = (reason_code IS NOT NULL)", name="accepted_for_a_reason"),
        CheckConstraint("(owner_id IS NULL) = (owner_name IS NULL)", name="owner"),
        Index("uq_differences_subject", "about", "about_key", "kind", unique=True),
        Index("ix_differences_first_seen_at", "first_seen_at", "id"),
        Index("ix_differences_open", "kind", "first_seen_at", postgresql_where=text("state = 'open'")),
        Index("ix_differences_invoice", "invoice_id", postgresql_where=text("invoice_id IS NOT NULL")),
    )


class ReconciliationReview(Table):
    """A person looked at what is open after a run, and says so: written once."""

    __tablename__ = "reconciliation_reviews"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reconciliation_id: Mapped[UUID] = mapped_column(ForeignKey("reconciliations.id"))
    open_count: Mapped[int]
    owner_missing_count: Mapped[int]
    note: Mapped[str | None]
    reviewed_by_id: Mapped[UUID]
    reviewed_by_name: Mapped[str]
    reviewed_at: Mapped[datetime]

    __table_args__ = (Index("ix_reconciliation_reviews_reviewed_at", "reviewed_at"),)
