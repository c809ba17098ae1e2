"""The first tables of payouts."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import create_chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in create_chassis_tables():
        op.execute(statement)
    op.create_table(
        "board_payments",
        sa.Column("board_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("board_id", name=op.f("pk_board_payments")),
    )
    op.create_table(
        "boards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("contracted_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("board_version", sa.Integer(), nullable=False),
        sa.Column("pool_basis_points", sa.Integer(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_reason", sa.Text(), nullable=True),
        sa.Column("held_detail", sa.Text(), nullable=True),
        sa.Column("allocated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("allocation_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("contracted_amount_cents > 0", name=op.f("ck_boards_amount")),
        sa.CheckConstraint("pool_basis_points BETWEEN 0 AND 10000", name=op.f("ck_boards_pool")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boards")),
    )
    op.create_table(
        "experts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("abn", sa.Text(), nullable=True),
        sa.Column("payout_method", sa.Text(), nullable=False),
        sa.Column("stripe_account_id", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("can_be_paid", sa.Boolean(), nullable=True),
        sa.Column("cannot_be_paid_reason", sa.Text(), nullable=True),
        sa.Column("payability_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("payout_method IN ('stripe_connect', 'gnosis_safe')", name=op.f("ck_experts_method")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experts")),
        sa.UniqueConstraint("email", name=op.f("uq_experts_email")),
        sa.UniqueConstraint("stripe_account_id", name=op.f("uq_experts_stripe_account_id")),
    )
    op.create_table(
        "account_notices",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("stripe_account_id", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_account_notices")),
    )
    op.create_index(
        "ix_account_notices_open", "account_notices", ["received_at"], postgresql_where="settled_at IS NULL"
    )
    op.create_table(
        "sweeps",
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_count", sa.Integer(), nullable=False),
        sa.Column("sent_cents", sa.BigInteger(), nullable=False),
        sa.Column("left_count", sa.Integer(), nullable=False),
        sa.Column("left_cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("due_at", name=op.f("pk_sweeps")),
    )
    op.create_table(
        "participations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("board_id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('fixed', 'percentage', 'share')", name=op.f("ck_participations_kind")),
        sa.CheckConstraint("value > 0", name=op.f("ck_participations_value")),
        sa.ForeignKeyConstraint(["board_id"], ["boards.id"], name=op.f("fk_participations_board_id")),
        sa.ForeignKeyConstraint(["expert_id"], ["experts.id"], name=op.f("fk_participations_expert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participations")),
        sa.UniqueConstraint("board_id", "expert_id", name=op.f("uq_participations_board_id_expert_id")),
    )
    op.create_table(
        "payouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("board_id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("stripe_transfer_id", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversed_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "(state IN ('sent', 'reversed')) = (stripe_transfer_id IS NOT NULL)",
            name=op.f("ck_payouts_sent_has_its_transfer"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'ready', 'sending', 'sent', 'failed', 'on_hold', 'reversed')",
            name=op.f("ck_payouts_state"),
        ),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_payouts_amount")),
        sa.CheckConstraint("reversed_cents BETWEEN 0 AND amount_cents", name=op.f("ck_payouts_reversed")),
        sa.ForeignKeyConstraint(["board_id"], ["boards.id"], name=op.f("fk_payouts_board_id")),
        sa.ForeignKeyConstraint(["expert_id"], ["experts.id"], name=op.f("fk_payouts_expert_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sa.UniqueConstraint("board_id", "expert_id", name=op.f("uq_payouts_board_id_expert_id")),
        sa.UniqueConstraint("stripe_transfer_id", name=op.f("uq_payouts_stripe_transfer_id")),
    )
    op.create_index("ix_payouts_expert_id", "payouts", ["expert_id"], unique=False)
    op.create_index("ix_payouts_state_created_at", "payouts", ["state", "created_at", "id"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("approved_by <> requested_by", name=op.f("ck_approvals_second_operator")),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_approvals_payout_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(
        "uq_approvals_open", "approvals", ["payout_id"], unique=True, postgresql_where="approved_at IS NULL"
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("attempt_no", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("refusal_code", sa.Text(), nullable=True),
        sa.Column("stripe_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('pending', 'succeeded', 'refused', 'unknown')", name=op.f("ck_attempts_outcome")
        ),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_attempts_amount")),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_attempts_payout_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_attempts_idempotency_key")),
        sa.UniqueConstraint("payout_id", "kind", "attempt_no", name=op.f("uq_attempts_payout_id_kind_attempt_no")),
    )
    op.create_index(
        "uq_attempts_open", "attempts", ["payout_id"], unique=True, postgresql_where="outcome IN ('pending', 'unknown')"
    )


def downgrade() -> None:
    raise RuntimeError("the ledger of what was paid is not taken back: restore a backup instead")
