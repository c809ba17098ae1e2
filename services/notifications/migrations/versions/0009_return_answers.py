"""Mails that tell an installer why its return was denied."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BEFORE = (
    "purpose IN ('lead_delivery', 'invoice', 'payout_receipt', 'ops_alert', 'ticket_reply', 'digest', 'escalation', "
    "'lead_correction')"
)
AFTER = BEFORE.replace("'lead_correction')", "'lead_correction', 'return_answer')")


def upgrade() -> None:
    op.drop_constraint(op.f("ck_messages_purpose"), "messages", type_="check")
    op.create_check_constraint(op.f("ck_messages_purpose"), "messages", AFTER)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_messages_purpose"), "messages", type_="check")
    op.create_check_constraint(op.f("ck_messages_purpose"), "messages", BEFORE)
