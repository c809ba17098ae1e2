"""When a credit was asked for: a proposal's days run on when somebody agrees to it."""

from alembic import op

from chassis.migrations import statements

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# The default is for a service of the version before, which does not know the column and may still run.
ASKED = """
ALTER TABLE adjustments ADD COLUMN asked_at timestamptz;
ALTER TABLE adjustments DISABLE TRIGGER USER;
UPDATE adjustments SET asked_at = coalesce(
    (SELECT asked.asked_at FROM credit_requests AS asked WHERE asked.request_id = adjustments.id), created_at
);
ALTER TABLE adjustments ENABLE TRIGGER USER;
ALTER TABLE adjustments ALTER COLUMN asked_at SET DEFAULT now();
ALTER TABLE adjustments ALTER COLUMN asked_at SET NOT NULL;
DROP INDEX ix_adjustments_pending;
CREATE INDEX ix_adjustments_asked_at ON adjustments (asked_at, id);
CREATE INDEX ix_adjustments_pending ON adjustments (asked_at, id) WHERE state = 'pending';
"""


def upgrade() -> None:
    for statement in statements(ASKED):
        op.execute(statement)
