"""The first tables of notifications."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

from chassis.migrations import create_chassis_tables, revoke_change, written_once

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WRITTEN_ONCE = ("documents", "ticket_entries")


def upgrade() -> None:
    for statement in create_chassis_tables():
        op.execute(statement)
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index("ix_documents_invoice_id", "documents", ["invoice_id"], unique=False)
    op.create_table(
        "sender_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("from_address", sa.Text(), nullable=False),
        sa.Column("from_name", sa.Text(), nullable=False),
        sa.Column("secret_name", sa.Text(), nullable=False),
        sa.Column("mail_classes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("daily_cap", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("next_change_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counted_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("faults_in_a_row", sa.Integer(), server_default="0", nullable=False),
        sa.Column("authentication_failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('active', 'throttled', 'cooldown', 'probing', 'suspended', 'disabled')",
            name=op.f("ck_sender_accounts_state"),
        ),
        sa.CheckConstraint("cardinality(mail_classes) > 0", name=op.f("ck_sender_accounts_carries_something")),
        sa.CheckConstraint("daily_cap > 0", name=op.f("ck_sender_accounts_daily_cap")),
        sa.CheckConstraint("weight BETWEEN 1 AND 1000", name=op.f("ck_sender_accounts_weight")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sender_accounts")),
        sa.UniqueConstraint("name", name=op.f("uq_sender_accounts_name")),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("requester_name", sa.Text(), nullable=False),
        sa.Column("requester_email", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replies", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('open', 'pending', 'closed')", name=op.f("ck_tickets_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
    )
    op.create_index("ix_tickets_created_at", "tickets", ["created_at", "id"], unique=False)
    op.create_index("ix_tickets_state", "tickets", ["state", "created_at", "id"], unique=False)
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_hash", sa.Text(), nullable=False),
        sa.Column("send_no", sa.Integer(), nullable=False),
        sa.Column("recipient_email", sa.Text(), nullable=True),
        sa.Column("recipient_name", sa.Text(), nullable=True),
        sa.Column("mail_class", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("context", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("extra_headers", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("thread_id", sa.Uuid(), nullable=True),
        sa.Column("header_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("smtp_status", sa.Integer(), nullable=True),
        sa.Column("enhanced_status", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unknown_outcomes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sender_account_id", sa.Uuid(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("override_reason", sa.Text(), nullable=True),
        sa.Column("dated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("causation_id", sa.Text(), nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "(state = 'accepted') = (accepted_at IS NOT NULL)", name=op.f("ck_messages_accepted_has_its_time")
        ),
        sa.CheckConstraint(
            "(state = 'sending') = (lease_until IS NOT NULL) AND (state <> 'sending' OR sender_account_id IS NOT NULL)",
            name=op.f("ck_messages_in_hand_has_its_lease"),
        ),
        sa.CheckConstraint(
            "purpose IN ('lead_delivery', 'invoice', 'payout_receipt', 'ops_alert', 'ticket_reply', 'digest')",
            name=op.f("ck_messages_purpose"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'accepted', 'deferred', 'failed', 'suppressed', 'cancelled')",
            name=op.f("ck_messages_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('queued', 'deferred') OR next_attempt_at IS NOT NULL",
            name=op.f("ck_messages_waiting_has_its_time"),
        ),
        sa.CheckConstraint(
            "erased_at IS NULL OR (recipient_email IS NULL AND recipient_name IS NULL AND context IS NULL)",
            name=op.f("ck_messages_erased_is_empty"),
        ),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_messages_document_id")),
        sa.ForeignKeyConstraint(
            ["sender_account_id"], ["sender_accounts.id"], name=op.f("fk_messages_sender_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("header_id", name=op.f("uq_messages_header_id")),
        sa.UniqueConstraint(
            "purpose", "subject_kind", "subject_id", "recipient_hash", "send_no", name="uq_messages_once"
        ),
    )
    op.create_index("ix_messages_created_at", "messages", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_messages_due",
        "messages",
        ["priority", "next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'deferred')"),
    )
    op.create_index(
        "ix_messages_in_hand", "messages", ["lease_until"], unique=False, postgresql_where=sa.text("state = 'sending'")
    )
    op.create_index("ix_messages_purpose", "messages", ["purpose", "created_at", "id"], unique=False)
    op.create_index("ix_messages_recipient", "messages", ["recipient_hash", "created_at", "id"], unique=False)
    op.create_index("ix_messages_state", "messages", ["state", "created_at", "id"], unique=False)
    op.create_index("ix_messages_subject", "messages", ["subject_id", "created_at", "id"], unique=False)
    op.create_index(
        "ix_messages_thread",
        "messages",
        ["thread_id", "accepted_at"],
        unique=False,
        postgresql_where=sa.text("thread_id IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_to_erase", "messages", ["state_since"], unique=False, postgresql_where=sa.text("erased_at IS NULL")
    )
    op.create_table(
        "sender_counts",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("bucket_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sends", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refusals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("faults", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["sender_accounts.id"], name=op.f("fk_sender_counts_account_id")),
        sa.PrimaryKeyConstraint("account_id", "bucket_start", name=op.f("pk_sender_counts")),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_no", sa.Integer(), nullable=False),
        sa.Column("sender_account_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("smtp_status", sa.Integer(), nullable=True),
        sa.Column("enhanced_status", sa.Text(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(outcome = 'pending') = (finished_at IS NULL)", name=op.f("ck_attempts_finished")),
        sa.CheckConstraint(
            "outcome IN ('pending', 'accepted', 'refused', 'deferred', 'throttled', 'unreachable', "
            "'sender_refused', 'not_authenticated', 'outcome_unknown', 'not_rendered')",
            name=op.f("ck_attempts_outcome"),
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_attempts_message_id")),
        sa.ForeignKeyConstraint(
            ["sender_account_id"], ["sender_accounts.id"], name=op.f("fk_attempts_sender_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("message_id", "attempt_no", name=op.f("uq_attempts_message_id_attempt_no")),
    )
    op.create_index(
        "ix_attempts_pending",
        "attempts",
        ["sender_account_id"],
        unique=False,
        postgresql_where=sa.text("outcome = 'pending'"),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address_hash", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lifted_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(lifted_at IS NULL) = (lifted_reason IS NULL)", name=op.f("ck_suppressions_lifted_has_its_reason")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_suppressions_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
    )
    op.create_index("ix_suppressions_created_at", "suppressions", ["created_at", "id"], unique=False)
    op.create_index(
        "uq_suppressions_standing",
        "suppressions",
        ["address_hash"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "ticket_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('request', 'reply', 'note')", name=op.f("ck_ticket_entries_kind")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_ticket_entries_message_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_entries_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_entries")),
    )
    op.create_index("ix_ticket_entries_ticket_id", "ticket_entries", ["ticket_id", "created_at", "id"], unique=False)
    for table in WRITTEN_ONCE:
        for statement in [*written_once(table), *revoke_change(table, context.config.attributes.get("app_role"))]:
            op.execute(statement)


def downgrade() -> None:
    raise RuntimeError("what was mailed to whom is not forgotten: restore a backup instead")
