"""Indexes for what the console's lists of payouts are ordered by, and for what a sweep was refused."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_payouts_state_since", "payouts", ["state_since", "id"])
    op.create_index("ix_payouts_created_at", "payouts", ["created_at", "id"])
    op.create_index("ix_attempts_created_at", "attempts", ["created_at"])


def downgrade() -> None:
    raise RuntimeError("the ledger of what was paid is not taken back: restore a backup instead")
