"""What a pair scored when its lead was screened is kept beside what it scores since a correction."""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.execute(
        "ALTER TABLE lead_pairs ADD COLUMN screened_score smallint "
        "CONSTRAINT ck_lead_pairs_screened_score_range CHECK (screened_score BETWEEN 0 AND 100)"
    )
