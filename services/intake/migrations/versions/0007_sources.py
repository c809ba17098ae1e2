"""Sources in depth: mode, rate, keys one by one, what was a test, what was refused, and the budget of a minute."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FROM_SOURCE = ["lead_sources.id"]


def upgrade() -> None:
    _sources()
    _test_submissions()
    _counts()


def _sources() -> None:
    op.add_column("lead_sources", sa.Column("mode", sa.String(40), server_default="live", nullable=False))
    op.add_column("lead_sources", sa.Column("rate_per_minute", sa.Integer(), nullable=True))
    op.add_column("lead_sources", sa.Column("version", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint("ck_lead_sources_mode_known", "lead_sources", "mode IN ('live', 'test')")
    op.create_check_constraint(
        "ck_lead_sources_rate_per_minute_range", "lead_sources", "rate_per_minute BETWEEN 1 AND 1000000"
    )
    for column in ("revoked_at", "last_used_at"):
        op.add_column("lead_source_keys", sa.Column(column, sa.DateTime(timezone=True), nullable=True))


def _test_submissions() -> None:
    op.create_table(
        "test_submissions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("submission_key", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=False),
        sa.Column("faults", postgresql.JSONB(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status_code = 202) = (submission_key IS NOT NULL AND fingerprint IS NOT NULL)",
            name="ck_test_submissions_taken_is_told",
        ),
        sa.ForeignKeyConstraint(["source_id"], FROM_SOURCE, name="fk_test_submissions_source_id"),
        sa.PrimaryKeyConstraint("id", name="pk_test_submissions"),
    )
    op.create_index(
        "uq_test_submissions_source_id_submission_key",
        "test_submissions",
        ["source_id", "submission_key"],
        unique=True,
        postgresql_where=sa.text("status_code = 202"),
    )
    op.create_index(
        "ix_test_submissions_source_id_received_at_id",
        "test_submissions",
        ["source_id", "received_at", "id"],
        unique=False,
    )
    op.create_index("ix_test_submissions_received_at", "test_submissions", ["received_at"], unique=False)


def _counts() -> None:
    op.create_table(
        "source_rejections",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), server_default="", nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("number > 0", name="ck_source_rejections_number_positive"),
        sa.ForeignKeyConstraint(["source_id"], FROM_SOURCE, name="fk_source_rejections_source_id"),
        sa.PrimaryKeyConstraint("source_id", "hour", "code", "field", name="pk_source_rejections"),
    )
    op.create_table(
        "source_budgets",
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], FROM_SOURCE, name="fk_source_budgets_source_id"),
        sa.PrimaryKeyConstraint("source_id", name="pk_source_budgets"),
    )
