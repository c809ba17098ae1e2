"""What became of assignments since their day was rolled up is found by when it did."""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.execute(
        "CREATE INDEX ix_assignments_moved_at ON assignments (coalesce(ended_at, sent_at)) "
        "WHERE coalesce(ended_at, sent_at) IS NOT NULL"
    )
