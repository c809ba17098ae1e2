"""The chassis's fourth step: what the audit says of a person can be redacted, by one function and in no other way."""

from alembic import context, op

from chassis.migrations import allow_erasure

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in allow_erasure(context.config.attributes.get("app_role")):
        op.execute(statement)
