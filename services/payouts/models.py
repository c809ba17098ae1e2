"""Tables of payouts. One payout per expert and board for ever; an attempt's key is stored before its call."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned, named_metadata
from services.payouts.domain import AttemptKind, AttemptOutcome, HeldReason, PayoutMethod, PayoutState, RuleKind

Instant = DateTime(timezone=True)


class Model(DeclarativeBase):
    metadata = named_metadata()
    type_annotation_map = {datetime: Instant, str: Text}


class Expert(Versioned, Model):
    __tablename__ = "experts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    abn: Mapped[str | None]
    payout_method: Mapped[PayoutMethod] = mapped_column(Word(PayoutMethod), default=PayoutMethod.STRIPE_CONNECT)
    stripe_account_id: Mapped[str | None] = mapped_column(unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    can_be_paid: Mapped[bool | None]
    cannot_be_paid_reason: Mapped[str | None]
    payability_checked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("payout_method IN ('stripe_connect', 'gnosis_safe')", name="method"),)


class Board(Model):
    """What payouts knows of a board; `pool_basis_points` overrides the setting. `board_version` is intake's."""

    __tablename__ = "boards"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID]
    title: Mapped[str]
    contracted_amount_cents: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    board_version: Mapped[int]
    pool_basis_points: Mapped[int | None]
    closed_at: Mapped[datetime | None]
    held_reason: Mapped[HeldReason | None] = mapped_column(Word(HeldReason))
    held_detail: Mapped[str | None]
    allocated_at: Mapped[datetime | None]
    allocation_version: Mapped[int] = mapped_column(default=0, server_default="0")
    invoice_id: Mapped[UUID | None]
    paid_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("contracted_amount_cents > 0", name="amount"),
        CheckConstraint("pool_basis_points BETWEEN 0 AND 10000", name="pool"),
    )


class BoardPayment(Model):
    """What billing says of a board's invoice, kept until the board's close is heard of: topics keep no order between
    them. One that is void pays for nothing, even where it was paid first. `reversed_at` is when its payment last went
    back: what was told as paid before that is paid no more.
    """

    __tablename__ = "board_payments"

    invoice_id: Mapped[UUID] = mapped_column(primary_key=True)
    board_id: Mapped[UUID] = mapped_column(index=True)
    paid_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    reversed_at: Mapped[datetime | None]


class Participation(Model):
    __tablename__ = "participations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    board_id: Mapped[UUID] = mapped_column(ForeignKey("boards.id"))
    expert_id: Mapped[UUID] = mapped_column(ForeignKey("experts.id"))
    position: Mapped[int]
    kind: Mapped[RuleKind] = mapped_column(Word(RuleKind))
    value: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        UniqueConstraint("board_id", "expert_id"),
        one_of("kind", RuleKind),
        CheckConstraint("value > 0", name="value"),
    )


class Payout(Versioned, Model):
    """`invoice_id` is the paid invoice that it waits on no longer; without one, its client has not paid."""

    __tablename__ = "payouts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    board_id: Mapped[UUID] = mapped_column(ForeignKey("boards.id"))
    expert_id: Mapped[UUID] = mapped_column(ForeignKey("experts.id"))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    state: Mapped[PayoutState] = mapped_column(Word(PayoutState), default=PayoutState.PENDING)
    state_since: Mapped[datetime]
    reason_code: Mapped[str | None]
    invoice_id: Mapped[UUID | None]
    stripe_transfer_id: Mapped[str | None] = mapped_column(unique=True)
    sent_at: Mapped[datetime | None]
    reversed_cents: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("board_id", "expert_id"),
        Index("ix_payouts_state_created_at", "state", "created_at", "id"),
        Index("ix_payouts_state_since", "state_since", "id"),
        Index("ix_payouts_created_at", "created_at", "id"),
        Index("ix_payouts_expert_id", "expert_id"),
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("reversed_cents BETWEEN 0 AND amount_cents", name="reversed"),
        one_of("state", PayoutState),
        CheckConstraint(
            "(state IN ('sent', 'reversed')) = (stripe_transfer_id IS NOT NULL)", name="sent_has_its_transfer"
        ),
    )


class Attempt(Model):
    """An intent to move money, stored with its key before the call. Open ones are taken up after `lease_until`.

    A reversal's `id` is its caller's own, so that asking twice takes back once.
    """

    __tablename__ = "attempts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payouts.id"))
    kind: Mapped[AttemptKind] = mapped_column(Word(AttemptKind), default=AttemptKind.TRANSFER)
    attempt_no: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    destination: Mapped[str]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    outcome: Mapped[AttemptOutcome] = mapped_column(Word(AttemptOutcome), default=AttemptOutcome.PENDING)
    refusal_code: Mapped[str | None]
    stripe_id: Mapped[str | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("payout_id", "kind", "attempt_no"),
        Index("uq_attempts_open", "payout_id", unique=True, postgresql_where="outcome IN ('pending', 'unknown')"),
        Index(
            "uq_attempts_paid_once",
            "payout_id",
            unique=True,
            postgresql_where="kind = 'transfer' AND outcome = 'succeeded'",
        ),
        Index("ix_attempts_created_at", "created_at"),
        one_of("outcome", AttemptOutcome),
        CheckConstraint("amount_cents > 0", name="amount"),
    )


class Approval(Model):
    """A payout by hand waits for a second operator until it expires."""

    __tablename__ = "approvals"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payouts.id"))
    requested_by: Mapped[UUID]
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_approvals_open", "payout_id", unique=True, postgresql_where="approved_at IS NULL"),
        CheckConstraint("approved_by <> requested_by", name="second_operator"),
    )


class AccountNotice(Model):
    """A webhook that was authentic: a note to ask Stripe about the account again, never a source of facts.

    `asked_at` is when that was last tried, on the machine's clock.
    """

    __tablename__ = "account_notices"

    event_id: Mapped[str] = mapped_column(primary_key=True)
    stripe_account_id: Mapped[str]
    event_type: Mapped[str]
    received_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_account_notices_open", "received_at", postgresql_where="settled_at IS NULL"),)


class Sweep(Model):
    """One weekly run. It is finished once it has come to every payout; until then it is run again."""

    __tablename__ = "sweeps"

    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    sent_count: Mapped[int] = mapped_column(default=0)
    sent_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    left_count: Mapped[int] = mapped_column(default=0)
    left_cents: Mapped[int] = mapped_column(BigInteger, default=0)
