"""What other services say of leads is kept for their pages and list; what leads are found by; their corrections."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _assignments()
    _deliveries()
    _invoices()
    _messages_and_decisions()
    _search()
    _corrections()
    op.create_index("ix_leads_status_since", "leads", ["status", "status_since", "id"], unique=False)
    op.create_index("ix_leads_service", "leads", ["service", "received_at", "id"], unique=False)


def _assignments() -> None:
    op.create_table(
        "lead_assignments",
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("installer_id", sa.Uuid(), nullable=False),
        sa.Column("installer_name", sa.Text(), nullable=True),
        sa.Column("selected_path", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("cap_status", sa.Text(), nullable=True),
        sa.Column("cap_reason", sa.Text(), nullable=True),
        sa.Column("cap_released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("return_state", sa.Text(), nullable=True),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("return_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("assignment_id", name="pk_lead_assignments"),
    )
    op.create_index("ix_lead_assignments_lead_id_created_at", "lead_assignments", ["lead_id", "created_at"])
    op.create_index(
        "ix_lead_assignments_returned_at",
        "lead_assignments",
        ["returned_at"],
        postgresql_where=sa.text("returned_at IS NOT NULL"),
    )


def _deliveries() -> None:
    op.create_table(
        "lead_deliveries",
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("delivery_event_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("unit_price_cents", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("assignment_id", name="pk_lead_deliveries"),
    )
    op.create_index("ix_lead_deliveries_lead_id_state", "lead_deliveries", ["lead_id", "state"])


def _invoices() -> None:
    op.create_table(
        "known_invoices",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("invoice_id", name="pk_known_invoices"),
    )
    op.create_table(
        "invoiced_deliveries",
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("adjustment_id", sa.Uuid(), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("assignment_id", name="pk_invoiced_deliveries"),
    )


def _messages_and_decisions() -> None:
    op.create_table(
        "lead_messages",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("smtp_status", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_lead_messages"),
    )
    op.create_index("ix_lead_messages_assignment_id", "lead_messages", ["assignment_id"])
    op.create_table(
        "lead_decisions",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_no", sa.Integer(), nullable=False),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("chosen", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name="pk_lead_decisions"),
    )
    op.create_index("ix_lead_decisions_lead_id", "lead_decisions", ["lead_id"])


def _search() -> None:
    op.create_table(
        "lead_search",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("grams", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", name="pk_lead_search"),
    )
    op.create_index("ix_lead_search_grams", "lead_search", ["grams"], postgresql_using="gin")


def _corrections() -> None:
    op.create_table(
        "lead_corrections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("after", postgresql.JSONB(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("made_by_id", sa.Uuid(), nullable=True),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        sa.CheckConstraint("origin IN ('correction', 'merge')", name="ck_lead_corrections_origin_known"),
        sa.CheckConstraint("cardinality(fields) > 0", name="ck_lead_corrections_fields_named"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_lead_corrections_lead_id"),
        sa.PrimaryKeyConstraint("id", name="pk_lead_corrections"),
    )
    op.create_index("ix_lead_corrections_lead_id_made_at", "lead_corrections", ["lead_id", "made_at"])
