"""Tables of payouts. One payout per expert and board for ever; an attempt's key is stored before its call."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from chassis.database import Versioned, named_metadata
from services.payouts.domain import AttemptKind, AttemptOutcome, PayoutMethod, PayoutState, RuleKind

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
    payout_method: Mapped[str] = mapped_column(default=PayoutMethod.STRIPE_CONNECT)
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
    held_reason: Mapped[str | None]
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
    """A client's payment that was heard of before the board's close was: topics keep no order between them."""

    __tablename__ = "board_payments"

    board_id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID]
    paid_at: Mapped[datetime]


class Participation(Model):
    __tablename__ = "participations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    board_id: Mapped[UUID] = mapped_column(ForeignKey("boards.id"))
    expert_id: Mapped[UUID] = mapped_column(ForeignKey("experts.id"))
    position: Mapped[int]
    kind: Mapped[str]
    value: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        UniqueConstraint("board_id", "expert_id"),
        CheckConstraint(f"kind IN ({', '.join(repr(kind.value) for kind in RuleKind)})", name="kind"),
        CheckConstraint("value > 0", name="value"),
    )


class Payout(Versioned, Model):
    __tablename__ = "payouts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    board_id: Mapped[UUID] = mapped_column(ForeignKey("boards.id"))
    expert_id: Mapped[UUID] = mapped_column(ForeignKey("experts.id"))
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    state: Mapped[str] = mapped_column(default=PayoutState.PENDING)
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
        Index("ix_payouts_expert_id", "expert_id"),
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("reversed_cents BETWEEN 0 AND amount_cents", name="reversed"),
        CheckConstraint(f"state IN ({', '.join(repr(state.value) for state in PayoutState)})", name="state"),
        CheckConstraint(
            "(state IN ('sent', 'reversed')) = (stripe_transfer_id IS NOT NULL)", name="sent_has_its_transfer"
        ),
    )


class Attempt(Model):
    """An intent to move money, stored with its key before the call. Open ones are taken up after `lease_until`."""

    __tablename__ = "attempts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payouts.id"))
    kind: Mapped[str] = mapped_column(default=AttemptKind.TRANSFER)
    attempt_no: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    destination: Mapped[str]
    amount_cents: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    outcome: Mapped[str] = mapped_column(default=AttemptOutcome.PENDING)
    refusal_code: Mapped[str | None]
    stripe_id: Mapped[str | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("payout_id", "kind", "attempt_no"),
        Index("uq_attempts_open", "payout_id", unique=True, postgresql_where="outcome IN ('pending', 'unknown')"),
        CheckConstraint(f"outcome IN ({', '.join(repr(outcome.value) for outcome in AttemptOutcome)})", name="outcome"),
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
    """A webhook that was authentic: a note to ask Stripe about the account again, never a source of facts."""

    __tablename__ = "account_notices"

    event_id: Mapped[str] = mapped_column(primary_key=True)
    stripe_account_id: Mapped[str]
    event_type: Mapped[str]
    received_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_account_notices_open", "received_at", postgresql_where="settled_at IS NULL"),)


class Sweep(Model):
    __tablename__ = "sweeps"

    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    sent_count: Mapped[int] = mapped_column(default=0)
    sent_cents: Mapped[int] = mapped_column(BigInteger, default=0)
    left_count: Mapped[int] = mapped_column(default=0)
    left_cents: Mapped[int] = mapped_column(BigInteger, default=0)
