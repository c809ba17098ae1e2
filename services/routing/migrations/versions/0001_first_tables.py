"""The first tables of routing."""

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

from chassis.migrations import create_chassis_tables, revoke_change, written_once

revision = "0001"
down_revision = None

IS_LIVE = sa.text("status IN ('pending', 'sent')")
IS_OPEN = sa.text("resolved_at IS NULL")


def upgrade() -> None:
    for statement in create_chassis_tables():
        op.execute(statement)
    create_installers()
    create_territories()
    create_counters()
    create_dispatches()
    create_assignments()
    create_dispatch_exceptions()
    create_switch()
    app_role = context.config.attributes.get("app_role")
    for statement in (
        *written_once("decisions"),
        *revoke_change("decisions", app_role),
        *revoke_change("audit_entries", app_role),
    ):
        op.execute(statement)


def create_installers() -> None:
    op.create_table(
        "installers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("abn", sa.Text(), nullable=True),
        sa.Column("gst_registered", sa.Boolean(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("billing_email", sa.Text(), nullable=False),
        sa.Column("billing_address", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("services", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("day_limit", sa.Integer(), nullable=True),
        sa.Column("week_limit", sa.Integer(), nullable=True),
        sa.Column("month_limit", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("status IN ('active', 'paused', 'suspended')", name=op.f("ck_installers_status")),
        sa.CheckConstraint(
            "day_limit >= 0 AND week_limit >= 0 AND month_limit >= 0", name=op.f("ck_installers_limits")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installers")),
    )
    op.create_index("ix_installers_created_at", "installers", ["created_at", "id"])
    op.create_index("ix_installers_services", "installers", ["services"], postgresql_using="gin")
    op.create_index("ix_installers_status_created_at", "installers", ["status", "created_at", "id"])


def create_territories() -> None:
    op.create_table(
        "territory_states",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("installer_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('ACT', 'NSW', 'NT', 'QLD', 'SA', 'TAS', 'VIC', 'WA')", name=op.f("ck_territory_states_state")
        ),
        sa.ForeignKeyConstraint(["installer_id"], ["installers.id"], name=op.f("fk_territory_states_installer_id")),
        sa.PrimaryKeyConstraint("state", "installer_id", name=op.f("pk_territory_states")),
    )
    op.create_index("ix_territory_states_installer_id", "territory_states", ["installer_id"])
    op.create_table(
        "territory_ranges",
        sa.Column("installer_id", sa.Uuid(), nullable=False),
        sa.Column("postcodes", postgresql.INT4RANGE(), nullable=False),
        sa.CheckConstraint(
            "lower(postcodes) >= 0 AND upper(postcodes) <= 10000", name=op.f("ck_territory_ranges_postcodes")
        ),
        sa.ForeignKeyConstraint(["installer_id"], ["installers.id"], name=op.f("fk_territory_ranges_installer_id")),
        sa.PrimaryKeyConstraint("installer_id", "postcodes", name=op.f("pk_territory_ranges")),
    )
    op.create_index("ix_territory_ranges_postcodes", "territory_ranges", ["postcodes"], postgresql_using="gist")
    op.create_table(
        "territory_postcodes",
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("installer_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("postcode ~ '^[0-9]{4}$'", name=op.f("ck_territory_postcodes_postcode")),
        sa.ForeignKeyConstraint(["installer_id"], ["installers.id"], name=op.f("fk_territory_postcodes_installer_id")),
        sa.PrimaryKeyConstraint("postcode", "installer_id", name=op.f("pk_territory_postcodes")),
    )
    op.create_index("ix_territory_postcodes_installer_id", "territory_postcodes", ["installer_id"])


def create_counters() -> None:
    op.create_table(
        "turns_taken",
        sa.Column("installer_id", sa.Uuid(), nullable=False),
        sa.Column("last_assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_assigned_place", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["installer_id"], ["installers.id"], name=op.f("fk_turns_taken_installer_id")),
        sa.PrimaryKeyConstraint("installer_id", name=op.f("pk_turns_taken")),
    )
    op.create_table(
        "cap_windows",
        sa.Column("installer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("kind IN ('day', 'week', 'month')", name=op.f("ck_cap_windows_kind")),
        sa.CheckConstraint("reserved >= 0 AND used >= 0 AND failed >= 0", name=op.f("ck_cap_windows_counts")),
        sa.CheckConstraint("window_start < window_end", name=op.f("ck_cap_windows_window")),
        sa.ForeignKeyConstraint(["installer_id"], ["installers.id"], name=op.f("fk_cap_windows_installer_id")),
        sa.PrimaryKeyConstraint("installer_id", "kind", "window_start", name=op.f("pk_cap_windows")),
    )


def create_dispatches() -> None:
    op.create_table(
        "dispatches",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("selected_path", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("suburb", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("(status = 'delivered') = (delivered_at IS NOT NULL)", name=op.f("ck_dispatches_delivered")),
        sa.CheckConstraint(
            "selected_path IN ('recommended_installer', 'compare_quotes')", name=op.f("ck_dispatches_selected_path")
        ),
        sa.CheckConstraint(
            "state IN ('ACT', 'NSW', 'NT', 'QLD', 'SA', 'TAS', 'VIC', 'WA')", name=op.f("ck_dispatches_state")
        ),
        sa.CheckConstraint("status IN ('dispatching', 'exception', 'delivered')", name=op.f("ck_dispatches_status")),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_dispatches")),
    )
    op.create_table(
        "lead_contacts",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["dispatches.lead_id"], name=op.f("fk_lead_contacts_lead_id")),
        sa.PrimaryKeyConstraint("lead_id", name=op.f("pk_lead_contacts")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_no", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.Column("operator_name", sa.Text(), nullable=True),
        sa.Column("override_reason", sa.Text(), nullable=True),
        sa.Column("rule_set_version", sa.Text(), nullable=False),
        sa.Column("wanted_count", sa.Integer(), nullable=False),
        sa.Column("chosen_count", sa.Integer(), nullable=False),
        sa.Column("shortfall", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("candidates", postgresql.JSON(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latency_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("trigger IN ('auto', 'retry', 'by_hand')", name=op.f("ck_decisions_trigger")),
        sa.CheckConstraint(
            "(chosen_count < wanted_count) = (shortfall IS NOT NULL)",
            name=op.f("ck_decisions_shortfall_has_its_reason"),
        ),
        sa.CheckConstraint("chosen_count BETWEEN 0 AND wanted_count", name=op.f("ck_decisions_chosen")),
        sa.ForeignKeyConstraint(["lead_id"], ["dispatches.lead_id"], name=op.f("fk_decisions_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("lead_id", "attempt_no", name=op.f("uq_decisions_lead_id_attempt_no")),
    )


def create_assignments() -> None:
    op.create_table(
        "assignments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("installer_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("selected_path", sa.Text(), nullable=False),
        sa.Column("share_no", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("cap_state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.Column("ended_note", sa.Text(), nullable=True),
        sa.Column("cap_released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cap_release_reason", sa.Text(), nullable=True),
        sa.Column("cap_release_note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "(cap_state = 'released') = (cap_released_at IS NOT NULL)", name=op.f("ck_assignments_released")
        ),
        sa.CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_assignments_sent")),
        sa.CheckConstraint(
            "(status IN ('failed', 'cancelled')) = (ended_at IS NOT NULL)", name=op.f("ck_assignments_ended")
        ),
        sa.CheckConstraint(
            "CASE status WHEN 'pending' THEN cap_state = 'reserved' "
            "WHEN 'sent' THEN cap_state IN ('counted', 'released') ELSE cap_state = 'given_back' END",
            name=op.f("ck_assignments_cap_follows_status"),
        ),
        sa.CheckConstraint(
            "cap_release_reason IN "
            "('invalid_lead', 'duplicate_dispatch', 'delivery_fault', 'operator_error', 'credit_linked')",
            name=op.f("ck_assignments_cap_release_reason"),
        ),
        sa.CheckConstraint(
            "cap_state IN ('reserved', 'counted', 'released', 'given_back')", name=op.f("ck_assignments_cap_state")
        ),
        sa.CheckConstraint(
            "selected_path IN ('recommended_installer', 'compare_quotes')", name=op.f("ck_assignments_selected_path")
        ),
        sa.CheckConstraint(
            "share_no BETWEEN 1 AND CASE selected_path WHEN 'recommended_installer' THEN 1 ELSE 3 END",
            name=op.f("ck_assignments_shares"),
        ),
        sa.CheckConstraint("status IN ('pending', 'sent', 'failed', 'cancelled')", name=op.f("ck_assignments_status")),
        sa.CheckConstraint(
            "(cap_released_at IS NULL) = (cap_release_reason IS NULL)",
            name=op.f("ck_assignments_released_has_its_reason"),
        ),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_assignments_decision_id")),
        sa.ForeignKeyConstraint(["installer_id"], ["installers.id"], name=op.f("fk_assignments_installer_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["dispatches.lead_id"], name=op.f("fk_assignments_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
    )
    op.create_index("ix_assignments_cap_state_created_at", "assignments", ["cap_state", "created_at", "id"])
    op.create_index("ix_assignments_created_at", "assignments", ["created_at", "id"])
    op.create_index("ix_assignments_installer_id_created_at", "assignments", ["installer_id", "created_at", "id"])
    op.create_index("ix_assignments_lead_id", "assignments", ["lead_id"])
    op.create_index("ix_assignments_status_created_at", "assignments", ["status", "created_at", "id"])
    op.create_index(
        "uq_assignments_live", "assignments", ["lead_id", "installer_id"], unique=True, postgresql_where=IS_LIVE
    )
    op.create_index(
        "uq_assignments_share", "assignments", ["lead_id", "share_no"], unique=True, postgresql_where=IS_LIVE
    )


def create_dispatch_exceptions() -> None:
    op.create_table(
        "dispatch_exceptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=True),
        sa.Column("occurrences", sa.Integer(), server_default="1", nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolved_note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('auto_dispatch_off', 'no_eligible_installer', 'contact_missing', "
            "'delivery_failed', 'left_unserved', 'delivered_late')",
            name=op.f("ck_dispatch_exceptions_reason"),
        ),
        sa.CheckConstraint(
            "resolution IN ('assigned', 'retried', 'superseded', 'resolved_by_operator')",
            name=op.f("ck_dispatch_exceptions_resolution"),
        ),
        sa.CheckConstraint(
            "(resolved_at IS NULL) = (resolution IS NULL)", name=op.f("ck_dispatch_exceptions_resolved")
        ),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name=op.f("fk_dispatch_exceptions_assignment_id")
        ),
        sa.ForeignKeyConstraint(["lead_id"], ["dispatches.lead_id"], name=op.f("fk_dispatch_exceptions_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch_exceptions")),
    )
    op.create_index("ix_dispatch_exceptions_lead_id", "dispatch_exceptions", ["lead_id"])
    op.create_index(
        "ix_dispatch_exceptions_open_raised_at", "dispatch_exceptions", ["raised_at", "id"], postgresql_where=IS_OPEN
    )
    op.create_index("ix_dispatch_exceptions_raised_at", "dispatch_exceptions", ["raised_at", "id"])
    op.create_index(
        "uq_dispatch_exceptions_open",
        "dispatch_exceptions",
        ["lead_id", "reason"],
        unique=True,
        postgresql_where=IS_OPEN,
    )


def create_switch() -> None:
    op.create_table(
        "auto_dispatch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_auto_dispatch_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auto_dispatch")),
    )
    op.execute("INSERT INTO auto_dispatch (id, is_enabled, changed_at, version) VALUES (1, true, now(), 1)")
