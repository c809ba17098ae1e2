"""Mails that brought a lead to an installer and came back."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE lead_messages ADD COLUMN bounced_at timestamptz, ADD COLUMN bounce_status text,"
        " ADD COLUMN bounce_reason text"
    )
