"""A client's payment can go back: what was told as paid before that is paid no more."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("board_payments", sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True))
