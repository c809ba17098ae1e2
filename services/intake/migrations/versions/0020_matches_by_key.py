"""Of a lead's keys the index tells no order: no planner then looks through it for the newest of a key.

One that believes the table to be empty, as it was at its last look, takes it for as good as the primary key, and a
burst of leads would each read the keys of all.
"""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.drop_index("ix_lead_match_lead_id", "lead_match")
    op.create_index("ix_lead_match_lead_id", "lead_match", ["lead_id"], postgresql_using="hash")
