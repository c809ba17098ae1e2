"""The chassis's tables: outbox, inbox, parked events, schedules, audit."""

from alembic import context, op

from chassis.migrations import create_chassis_tables, revoke_change

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in create_chassis_tables():
        op.execute(statement)
    for statement in revoke_change("audit_entries", context.config.attributes.get("app_role")):
        op.execute(statement)
