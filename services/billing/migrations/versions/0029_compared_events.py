"""Events of Stripe's about refunds, disputes, credit notes and voids name what is looked up and compared."""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT, statements

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

# One scan under the lock: the words of a state are checked whole, and there are few events beside postings.
SUBJECTS = """
ALTER TABLE stripe_events
    ADD COLUMN about text,
    ADD COLUMN about_key text,
    DROP CONSTRAINT ck_stripe_events_state,
    ADD CONSTRAINT ck_stripe_events_state CHECK (
        state IN ('pending', 'processed', 'compared', 'kept', 'ignored', 'unmatched', 'held', 'unasked')
    ),
    ADD CONSTRAINT ck_stripe_events_about CHECK (
        about IN ('invoice', 'credit_note', 'payment', 'refund', 'transfer', 'movement', 'balance')
    ),
    ADD CONSTRAINT ck_stripe_events_subject CHECK ((about IS NULL) = (about_key IS NULL));
CREATE INDEX ix_stripe_events_subject ON stripe_events (about, about_key)
    WHERE about IS NOT NULL AND state = 'pending';
"""


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    for statement in statements(SUBJECTS):
        op.execute(statement)
