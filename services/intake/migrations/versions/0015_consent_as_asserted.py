"""What a source says of a consent stands beside what was seen of it: when its person agreed, and from where."""

from alembic import context, op

from chassis.migrations import LOCK_TIMEOUT, erasable

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.execute("ALTER TABLE consents ADD COLUMN asserted_given_at timestamptz, ADD COLUMN asserted_remote_address text")
    op.execute("DROP FUNCTION erase_consents(uuid[])")
    words = {"text": "''", "url": "''", "remote_address": "''", "asserted_remote_address": "NULL"}
    app_role = context.config.attributes.get("app_role")
    for statement in erasable("consents", words, "lead_id = ANY (lead_ids)", "lead_ids uuid[]", app_role):
        op.execute(statement)
