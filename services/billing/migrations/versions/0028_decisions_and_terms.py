"""With a delivery the decision that it came of; what was told of an account's terms and of its Stripe customer."""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT, statements

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# What was delivered before names none, and so does what a routing of the version before sends.
DECISIONS = """
ALTER TABLE delivery_events ADD COLUMN decision_id uuid;
ALTER TABLE held_deliveries ADD COLUMN decision_id uuid;
CREATE INDEX ix_delivery_events_decision_id ON delivery_events (decision_id) WHERE decision_id IS NOT NULL;
"""

# What finance set before was told to nobody: it is told once, by the loop.
TERMS = """
ALTER TABLE accounts ADD COLUMN told_terms_override_days bigint;
ALTER TABLE accounts ADD COLUMN told_stripe_customer_id text;
"""


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for part in (DECISIONS, TERMS):
        for statement in statements(part):
            op.execute(statement)
