"""What a delivery was billed by before a void is found by it, as the books stood on a past day."""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.execute("CREATE INDEX ix_invoice_lines_fallen ON invoice_lines (delivery_event_id) WHERE NOT is_live")
