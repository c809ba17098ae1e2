"""Whether a return is one more than its installer may give back in a cycle."""

from alembic import op

from chassis.migrations import statements

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COLUMN = """
ALTER TABLE returns ADD COLUMN is_over_quota boolean NOT NULL DEFAULT false;
UPDATE returns
   SET is_over_quota = true
 WHERE (evidence #>> '{quota,accepted}')::int >= (evidence #>> '{quota,allowed}')::int
   AND code <> 'duplicate_from_us' AND rule_verdict <> 'accept';
"""


def upgrade() -> None:
    for statement in statements(COLUMN):
        op.execute(statement)
