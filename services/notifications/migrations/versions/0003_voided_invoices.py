"""Invoices that were voided, so that no mail about them leaves; and whether a reply was to close its ticket."""

import sqlalchemy as sa
from alembic import context, op

from chassis.migrations import revoke_change, written_once

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "voided_invoices",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_voided_invoices")),
    )
    op.add_column("ticket_entries", sa.Column("closes", sa.Boolean(), nullable=True))
    app_role = context.config.attributes.get("app_role")
    for statement in [*written_once("voided_invoices"), *revoke_change("voided_invoices", app_role)]:
        op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("what was mailed to whom is not forgotten: restore a backup instead")
