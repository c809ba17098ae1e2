"""How often a channel's breaker moved: the version of what is told of it. Moves of before were told to nobody."""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.execute("ALTER TABLE delivery_endpoints ADD COLUMN version integer DEFAULT 0 NOT NULL")
