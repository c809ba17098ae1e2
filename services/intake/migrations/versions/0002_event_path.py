"""The chassis's second step: the outbox as a ring of segments, and what consumers remember of each aggregate."""

from alembic import op

from chassis.migrations import grow_event_path

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in grow_event_path():
        op.execute(statement)
