"""Mails that came back after they were accepted."""

from alembic import op

from chassis.migrations import statements

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE messages ADD COLUMN bounced_at timestamptz, ADD COLUMN bounce_status text;
ALTER TABLE messages
    ADD CONSTRAINT ck_messages_bounced CHECK (
        bounced_at IS NULL OR (state = 'accepted' AND reason_code IS NOT NULL)
    ) NOT VALID,
    ADD CONSTRAINT ck_messages_bounced_has_its_status CHECK ((bounced_at IS NULL) = (bounce_status IS NULL)) NOT VALID;
ALTER TABLE messages VALIDATE CONSTRAINT ck_messages_bounced;
ALTER TABLE messages VALIDATE CONSTRAINT ck_messages_bounced_has_its_status;
CREATE INDEX ix_messages_bounced_at ON messages (bounced_at) WHERE bounced_at IS NOT NULL;
"""


def upgrade() -> None:
    for statement in statements(COLUMNS):
        op.execute(statement)
