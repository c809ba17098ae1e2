"""A lead is found by what was said by those merged into it."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE lead_search ADD COLUMN merged text NOT NULL DEFAULT ''")
