"""Of each lead that a draft moves, share and caps on both sides; what was simulated before does not tell them."""

from alembic import op

from chassis.migrations import LOCK_TIMEOUT

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE simulation_rows
    ADD COLUMN before_entitled_ppm integer,
    ADD COLUMN after_entitled_ppm integer,
    ADD COLUMN before_at_cap integer,
    ADD COLUMN after_at_cap integer,
    ADD COLUMN before_cap_percent integer,
    ADD COLUMN after_cap_percent integer
"""


def upgrade() -> None:
    op.execute(LOCK_TIMEOUT)
    op.execute(COLUMNS)
