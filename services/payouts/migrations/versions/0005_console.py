"""The chassis's third step: saved views and bulk jobs of the console, and indexes for its lists."""

from alembic import op

from chassis.migrations import furnish_console

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in furnish_console():
        op.execute(statement)
