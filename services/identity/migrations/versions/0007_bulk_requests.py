"""The chassis's fifth step: a bulk job keeps the request that confirmed it, and the jobs are a list."""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT, keep_bulk_requests

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for statement in keep_bulk_requests():
        op.execute(statement)
