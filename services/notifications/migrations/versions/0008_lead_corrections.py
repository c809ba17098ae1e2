"""Mails that tell who has a lead what of it was corrected, looked up by the lead and by the assignment."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BEFORE = (
    "purpose IN ('lead_delivery', 'invoice', 'payout_receipt', 'ops_alert', 'ticket_reply', 'digest', 'escalation')"
)
AFTER = BEFORE.replace("'escalation')", "'escalation', 'lead_correction')")
INDICES = {"ix_messages_corrected_lead": "lead_id", "ix_messages_corrected_assignment": "assignment_id"}


def upgrade() -> None:
    op.drop_constraint(op.f("ck_messages_purpose"), "messages", type_="check")
    op.create_check_constraint(op.f("ck_messages_purpose"), "messages", AFTER)
    for name, key in INDICES.items():
        op.create_index(
            name,
            "messages",
            [sa.text(f"(context ->> '{key}')")],
            postgresql_where=sa.text("purpose = 'lead_correction'"),
        )


def downgrade() -> None:
    for name in reversed(INDICES):
        op.drop_index(name, table_name="messages")
    op.drop_constraint(op.f("ck_messages_purpose"), "messages", type_="check")
    op.create_check_constraint(op.f("ck_messages_purpose"), "messages", BEFORE)
