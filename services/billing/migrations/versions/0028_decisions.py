"""Routing's decision that a delivery came of is kept with it, in the ledger and in the queue."""

from alembic import op

from chassis.migrations import statements

revision = "0028"
down_revision = "0026"
branch_labels = None
depends_on = None

# What was delivered before names none, and so does what a routing of the version before sends.
DECISIONS = """
ALTER TABLE delivery_events ADD COLUMN decision_id uuid;
ALTER TABLE held_deliveries ADD COLUMN decision_id uuid;
CREATE INDEX ix_delivery_events_decision_id ON delivery_events (decision_id) WHERE decision_id IS NOT NULL;
"""


def upgrade() -> None:
    for statement in statements(DECISIONS):
        op.execute(statement)
