"""Mails that nudge operators, and the operators whom they reach."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BEFORE = "purpose IN ('lead_delivery', 'invoice', 'payout_receipt', 'ops_alert', 'ticket_reply', 'digest')"
AFTER = BEFORE.replace("'digest')", "'digest', 'escalation')")


def upgrade() -> None:
    op.create_table(
        "operators",
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_operators")),
    )
    op.drop_constraint(op.f("ck_messages_purpose"), "messages", type_="check")
    op.create_check_constraint(op.f("ck_messages_purpose"), "messages", AFTER)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_messages_purpose"), "messages", type_="check")
    op.create_check_constraint(op.f("ck_messages_purpose"), "messages", BEFORE)
    op.drop_table("operators")
