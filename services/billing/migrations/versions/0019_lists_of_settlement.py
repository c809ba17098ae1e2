"""The order in which payments, receipts and write-offs are listed, and the queue of those that wait."""

from alembic import op

from chassis.migrations import statements

revision = "0019"
down_revision = "0016"
branch_labels = None
depends_on = None

INDEXES = """
CREATE INDEX ix_payments_received_at ON payments (received_at, id);
CREATE INDEX ix_receipts_received_at ON receipts (received_at, id);
CREATE INDEX ix_write_offs_created_at ON write_offs (created_at, id);
CREATE INDEX ix_write_offs_pending ON write_offs (created_at, id) WHERE state = 'pending';
"""


def upgrade() -> None:
    for statement in statements(INDEXES):
        op.execute(statement)
