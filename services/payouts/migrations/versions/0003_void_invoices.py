"""A board can have several invoices, of which all but one are void; and when Stripe was last asked about an account."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("board_payments", sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("board_payments", "paid_at", nullable=True)
    op.drop_constraint("pk_board_payments", "board_payments", type_="primary")
    op.create_primary_key("pk_board_payments", "board_payments", ["invoice_id"])
    op.create_index("ix_board_payments_board_id", "board_payments", ["board_id"])
    op.add_column("account_notices", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    raise RuntimeError("the ledger of what was paid is not taken back: restore a backup instead")
