"""The first tables of intake."""

import sqlalchemy as sa
from alembic import context, op

from chassis.migrations import create_chassis_tables, revoke_change, written_once

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATUSES = "'received', 'duplicate_review', 'rejected', 'routable', 'dispatching', 'delivered', 'exception', 'closed'"


def upgrade() -> None:
    for statement in create_chassis_tables():
        op.execute(statement)
    _sources()
    _leads()
    _indexes_of_leads()
    _records_of_leads()
    _clients()
    _boards()
    for table in ("consents", "lead_status_changes"):
        for statement in (*written_once(table), *revoke_change(table, context.config.attributes.get("app_role"))):
            op.execute(statement)


def _sources() -> None:
    op.create_table(
        "lead_sources",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 120", name="ck_lead_sources_name_length"),
        sa.PrimaryKeyConstraint("id", name="pk_lead_sources"),
    )
    op.create_index("ix_lead_sources_created_at_id", "lead_sources", ["created_at", "id"], unique=False)
    op.create_index("uq_lead_sources_name", "lead_sources", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "lead_source_keys",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("key_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("octet_length(key_sha256) = 32", name="ck_lead_source_keys_key_sha256_length"),
        sa.ForeignKeyConstraint(["source_id"], ["lead_sources.id"], name="fk_lead_source_keys_source_id"),
        sa.PrimaryKeyConstraint("prefix", name="pk_lead_source_keys"),
    )
    op.create_index("ix_lead_source_keys_source_id", "lead_source_keys", ["source_id"], unique=False)


def _leads() -> None:
    op.create_table(
        "leads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("submission_key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_as", sa.String(40), nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("selected_path", sa.String(40), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_match", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("suburb", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dispatch_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exception_reason", sa.Text(), nullable=True),
        sa.Column("close_reason", sa.String(40), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("(status = 'closed') = (close_reason IS NOT NULL)", name="ck_leads_close_reason_told"),
        sa.CheckConstraint(
            "close_reason IN ('invalid_lead', 'duplicate', 'withdrawn', 'unplaceable', 'test_lead', 'operator_error',"
            " 'other')",
            name="ck_leads_close_reason_known",
        ),
        sa.CheckConstraint(f"accepted_as IN ({STATUSES})", name="ck_leads_accepted_as_known"),
        sa.CheckConstraint("phone ~ '^\\+[1-9][0-9]{6,14}$'", name="ck_leads_phone_e164"),
        sa.CheckConstraint("postcode ~ '^[0-9]{4}$'", name="ck_leads_postcode_digits"),
        sa.CheckConstraint(
            "selected_path IN ('recommended_installer', 'compare_quotes')", name="ck_leads_selected_path_known"
        ),
        sa.CheckConstraint(
            "state IN ('ACT', 'NSW', 'NT', 'QLD', 'SA', 'TAS', 'VIC', 'WA')", name="ck_leads_state_known"
        ),
        sa.CheckConstraint(f"status IN ({STATUSES})", name="ck_leads_status_known"),
        sa.CheckConstraint("char_length(submission_key) BETWEEN 1 AND 200", name="ck_leads_submission_key_length"),
        sa.CheckConstraint("octet_length(fingerprint) = 32", name="ck_leads_fingerprint_length"),
        sa.ForeignKeyConstraint(["source_id"], ["lead_sources.id"], name="fk_leads_source_id"),
        sa.PrimaryKeyConstraint("id", name="pk_leads"),
        sa.UniqueConstraint("source_id", "submission_key", name="uq_leads_source_id_submission_key"),
    )


def _indexes_of_leads() -> None:
    op.create_index("ix_leads_postcode_received_at_id", "leads", ["postcode", "received_at", "id"], unique=False)
    op.create_index("ix_leads_received_at_id", "leads", ["received_at", "id"], unique=False)
    op.create_index("ix_leads_source_id_received_at_id", "leads", ["source_id", "received_at", "id"], unique=False)
    op.create_index("ix_leads_status_received_at_id", "leads", ["status", "received_at", "id"], unique=False)
    op.create_index(
        "ix_leads_suburb_received_at_id",
        "leads",
        [sa.literal_column("lower(suburb)"), "received_at", "id"],
        unique=False,
    )


def _records_of_leads() -> None:
    op.create_table(
        "consents",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("remote_address", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_consents_lead_id"),
        sa.PrimaryKeyConstraint("lead_id", name="pk_consents"),
    )
    op.create_table(
        "lead_status_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("from_status", sa.String(40), nullable=False),
        sa.Column("to_status", sa.String(40), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(f"from_status IN ({STATUSES})", name="ck_lead_status_changes_from_status_known"),
        sa.CheckConstraint(f"to_status IN ({STATUSES})", name="ck_lead_status_changes_to_status_known"),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name="fk_lead_status_changes_lead_id"),
        sa.PrimaryKeyConstraint("id", name="pk_lead_status_changes"),
    )
    op.create_index("ix_lead_status_changes_lead_id_id", "lead_status_changes", ["lead_id", "id"], unique=False)


def _clients() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("abn", sa.Text(), nullable=True),
        sa.Column("billing_name", sa.Text(), nullable=False),
        sa.Column("billing_email", sa.Text(), nullable=False),
        sa.Column("billing_address", sa.Text(), nullable=True),
        sa.Column("terms_days", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("abn ~ '^[1-9][0-9]{10}$'", name="ck_clients_abn_digits"),
        sa.CheckConstraint("terms_days BETWEEN 0 AND 365", name="ck_clients_terms_days_range"),
        sa.PrimaryKeyConstraint("id", name="pk_clients"),
    )
    op.create_index("ix_clients_abn", "clients", ["abn"], unique=False)
    op.create_index("ix_clients_created_at_id", "clients", ["created_at", "id"], unique=False)


def _boards() -> None:
    op.create_table(
        "boards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("contracted_amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("purchase_order", sa.Text(), nullable=True),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="ck_boards_closed_at_told"),
        sa.CheckConstraint("currency = 'AUD'", name="ck_boards_currency_known"),
        sa.CheckConstraint("status IN ('open', 'closed')", name="ck_boards_status_known"),
        sa.CheckConstraint("contracted_amount_cents > 0", name="ck_boards_contracted_amount_positive"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_boards_client_id"),
        sa.PrimaryKeyConstraint("id", name="pk_boards"),
    )
    op.create_index("ix_boards_client_id_opened_at_id", "boards", ["client_id", "opened_at", "id"], unique=False)
    op.create_index("ix_boards_opened_at_id", "boards", ["opened_at", "id"], unique=False)
    op.create_index("ix_boards_status_opened_at_id", "boards", ["status", "opened_at", "id"], unique=False)
    op.create_table(
        "ndas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("board_id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("expert_name", sa.Text(), nullable=False),
        sa.Column("document_version", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["board_id"], ["boards.id"], name="fk_ndas_board_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ndas"),
        sa.UniqueConstraint(
            "board_id", "expert_id", "document_version", name="uq_ndas_board_id_expert_id_document_version"
        ),
    )
    op.create_index("ix_ndas_accepted_at_id", "ndas", ["accepted_at", "id"], unique=False)
