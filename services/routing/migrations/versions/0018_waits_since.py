"""The exception queue is listed by how long a lead has waited, whichever reason it waits for by now."""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT, statements

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INDEXES = """
CREATE INDEX ix_dispatch_exceptions_waits_since ON dispatch_exceptions (waits_since, id);
CREATE INDEX ix_dispatch_exceptions_open_waits_since ON dispatch_exceptions (waits_since, id)
 WHERE resolved_at IS NULL;
DROP INDEX ix_dispatch_exceptions_open_raised_at;
"""


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for statement in statements(INDEXES):
        op.execute(statement)
