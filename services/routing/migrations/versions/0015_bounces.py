"""Mails that came back stand in the delivery log, each once."""

from alembic import op

from chassis.migrations import statements

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

LOG = """
ALTER TABLE delivery_log ADD COLUMN enhanced_status text, DROP CONSTRAINT ck_delivery_log_what;
ALTER TABLE delivery_log ADD CONSTRAINT ck_delivery_log_what CHECK (
    what IN ('accepted', 'tried', 'failed', 'accepted_late', 'bounced')
) NOT VALID;
ALTER TABLE delivery_log VALIDATE CONSTRAINT ck_delivery_log_what;
CREATE UNIQUE INDEX uq_delivery_log_bounced ON delivery_log (assignment_id) WHERE what = 'bounced';
"""


def upgrade() -> None:
    for statement in statements(LOG):
        op.execute(statement)
