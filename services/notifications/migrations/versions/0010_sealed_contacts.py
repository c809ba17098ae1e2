"""Keys of leads' contacts, and mails that wait for one."""

from alembic import context, op

from chassis.migrations import LOCK_TIMEOUT, erasable, statements

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE lead_keys (
    lead_id uuid NOT NULL,
    key bytea,
    version integer NOT NULL,
    CONSTRAINT pk_lead_keys PRIMARY KEY (lead_id),
    CONSTRAINT ck_lead_keys_key_length CHECK (octet_length(key) = 32),
    CONSTRAINT ck_lead_keys_asked_for_is_not_there CHECK (version > 0 OR key IS NULL)
);
ALTER TABLE messages ADD COLUMN waits_for_lead_id uuid;
CREATE INDEX ix_messages_waits_for_lead_id ON messages (waits_for_lead_id) WHERE waits_for_lead_id IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for statement in statements(TABLES):
        op.execute(statement)
    said = "CASE WHEN holds_pattern({0}, literal_patterns(literals)) THEN 'Erased on request' ELSE {0} END"
    words = {column: said.format(column) for column in ("body", "author_name")}
    app_role = context.config.attributes.get("app_role")
    for statement in erasable("ticket_entries", words, "true", "literals text[]", app_role):
        op.execute(statement)
