"""The chassis's fourth step, a key for each lead's contact, and versions of what operators do with a lead."""

import sqlalchemy as sa
from alembic import context, op

from chassis.migrations import allow_erasure

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in allow_erasure(context.config.attributes.get("app_role")):
        op.execute(statement)
    op.create_table(
        "lead_keys",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("(key IS NULL) = (destroyed_at IS NOT NULL)", name="ck_lead_keys_destroyed_holds_none"),
        sa.CheckConstraint("octet_length(key) = 32", name="ck_lead_keys_key_length"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_lead_keys_lead_id"),
        sa.PrimaryKeyConstraint("lead_id", name="pk_lead_keys"),
    )
    op.add_column("leads", sa.Column("deeds_version", sa.Integer(), server_default="0", nullable=False))
