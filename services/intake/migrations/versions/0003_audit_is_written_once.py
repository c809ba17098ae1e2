"""The audit's rows are not the serving role's to change: the grant goes, as in every service that has one."""

from alembic import context, op

from chassis.migrations import revoke_change

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in revoke_change("audit_entries", context.config.attributes.get("app_role")):
        op.execute(statement)
