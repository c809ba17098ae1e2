"""The adjustments in the order of their room: by when they were asked for, decided or not."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_adjustments_created_at ON adjustments (created_at, id)")
