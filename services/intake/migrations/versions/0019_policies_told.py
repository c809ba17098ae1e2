"""What operators change of an escalation policy is told, in the order of its versions."""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.execute("ALTER TABLE escalation_policies ADD COLUMN version integer NOT NULL DEFAULT 0")
