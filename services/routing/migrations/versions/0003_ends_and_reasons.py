"""Leads that are closed, dispatches that failed, and what operators and their requests said."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("dispatches", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_dispatches_closed"), "dispatches", "status <> 'closed' OR closed_at IS NOT NULL"
    )
    _replace_check("dispatches", "status", "status IN ('dispatching', 'exception', 'delivered', 'closed')")
    _replace_check(
        "dispatch_exceptions",
        "reason",
        "reason IN ('auto_dispatch_off', 'no_eligible_installer', 'contact_missing', 'dispatch_failed', "
        "'delivery_failed', 'left_unserved', 'delivered_late')",
    )
    _replace_check(
        "dispatch_exceptions",
        "resolution",
        "resolution IN ('assigned', 'retried', 'superseded', 'lead_closed', 'resolved_by_operator')",
    )
    op.add_column("dispatch_exceptions", sa.Column("told_count", sa.Integer(), server_default="1", nullable=False))
    op.create_table(
        "early_closings",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_early_closings")),
    )
    op.add_column("decisions", sa.Column("reason_text", sa.Text(), nullable=True))
    op.add_column("installers", sa.Column("request_sha256", sa.LargeBinary(), nullable=True))
    op.create_check_constraint(
        op.f("ck_installers_request_sha256_length"), "installers", "octet_length(request_sha256) = 32"
    )


def _replace_check(table: str, column: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{column}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, condition)
