"""One road in: a lead comes as received, with the cause of what follows from it, and is screened by the worker."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("leads", sa.Column("correlation_id", sa.Text(), nullable=True))
    op.add_column("leads", sa.Column("traceparent", sa.Text(), nullable=True))
    op.create_index("ix_leads_received", "leads", ["id"], unique=False, postgresql_where=sa.text("status = 'received'"))
    op.create_table(
        "screening_faults",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("attempts > 0", name="ck_screening_faults_attempts_positive"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_screening_faults_lead_id"),
        sa.PrimaryKeyConstraint("lead_id", name="pk_screening_faults"),
    )
    op.create_index("ix_screening_faults_next_at", "screening_faults", ["next_at"], unique=False)
