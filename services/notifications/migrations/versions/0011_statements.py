"""Statements of account as mail: a document that is of no invoice."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BEFORE = (
    "purpose IN ('lead_delivery', 'invoice', 'payout_receipt', 'ops_alert', 'ticket_reply', 'digest', 'escalation', "
    "'lead_correction', 'return_answer')"
)
AFTER = BEFORE.replace("'return_answer')", "'return_answer', 'statement')")


def upgrade() -> None:
    op.drop_constraint(op.f("ck_messages_purpose"), "messages", type_="check")
    op.create_check_constraint(op.f("ck_messages_purpose"), "messages", AFTER)
    op.alter_column("documents", "invoice_id", nullable=True)
    op.alter_column("documents", "kind", nullable=True)
    op.create_check_constraint(op.f("ck_documents_subject"), "documents", "(invoice_id IS NULL) = (kind IS NULL)")
