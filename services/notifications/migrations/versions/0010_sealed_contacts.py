"""Keys of leads' contacts, and mails that wait for one."""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT, statements

revision = "0010"
down_revision = "0008"
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
