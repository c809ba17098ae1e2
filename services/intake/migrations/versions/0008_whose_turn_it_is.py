"""Who looks after a lead, what is to be done about it until when, and what happens by itself where nobody does."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
IS_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    _operators()
    _leads()
    _follow_ups()
    _policies()
    _steps()
    _escalations()


def _operators() -> None:
    op.create_table(
        "operators",
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("capabilities", ARRAY(sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("operator_id", name="pk_operators"),
    )


def _leads() -> None:
    op.add_column("leads", sa.Column("owner_id", sa.Uuid(), nullable=True))
    op.add_column("leads", sa.Column("owner_name", sa.Text(), nullable=True))
    for name in ("owner_since", "critical_since", "snoozed_until", "first_contact_at"):
        op.add_column("leads", sa.Column(name, INSTANT, nullable=True))
    op.create_check_constraint(
        op.f("ck_leads_owner_named"),
        "leads",
        "(owner_id IS NULL) = (owner_name IS NULL) AND (owner_id IS NULL) = (owner_since IS NULL)",
    )
    op.create_index("ix_leads_owner_id_received_at_id", "leads", ["owner_id", "received_at", "id"])
    op.create_index(
        "ix_leads_critical_since",
        "leads",
        ["critical_since", "id"],
        postgresql_where=sa.text("critical_since IS NOT NULL"),
    )
    op.create_index("ix_lead_status_changes_changed_at", "lead_status_changes", ["changed_at"])


def _follow_ups() -> None:
    op.create_table(
        "follow_ups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("owner_name", sa.Text(), nullable=True),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("outcome", sa.String(40), nullable=True),
        sa.Column("outcome_note", sa.Text(), nullable=True),
        sa.Column("snoozes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "channel IN ('call', 'sms', 'email', 'visit', 'other')", name=op.f("ck_follow_ups_channel_known")
        ),
        sa.CheckConstraint("state IN ('open', 'done', 'cancelled')", name=op.f("ck_follow_ups_state_known")),
        sa.CheckConstraint(
            "outcome IN ('reached', 'booked', 'left_message', 'no_answer', 'wrong_number', 'not_interested', 'other')",
            name=op.f("ck_follow_ups_outcome_known"),
        ),
        sa.CheckConstraint("(state = 'done') = (outcome IS NOT NULL)", name=op.f("ck_follow_ups_outcome_told")),
        sa.CheckConstraint("(state = 'open') = (done_at IS NULL)", name=op.f("ck_follow_ups_end_told")),
        sa.CheckConstraint("(owner_id IS NULL) = (owner_name IS NULL)", name=op.f("ck_follow_ups_owner_named")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_follow_ups_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_ups")),
    )
    op.create_index(
        "ix_follow_ups_open_owner_id_due_at_id", "follow_ups", ["owner_id", "due_at", "id"], postgresql_where=IS_OPEN
    )
    op.create_index("ix_follow_ups_open_due_at_id", "follow_ups", ["due_at", "id"], postgresql_where=IS_OPEN)
    op.create_index("ix_follow_ups_due_at_id", "follow_ups", ["due_at", "id"])
    op.create_index("ix_follow_ups_lead_id", "follow_ups", ["lead_id"])


def _policies() -> None:
    sets: list[sa.Column[list[str]]] = [
        sa.Column(name, ARRAY(sa.Text()), server_default="{}", nullable=False)
        for name in ("statuses", "paths", "services", "states")
    ]
    op.create_table(
        "escalation_policies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("on_since", INSTANT, nullable=True),
        sa.Column("subject", sa.String(40), nullable=False),
        *sets,
        sa.Column("source_ids", ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("ownership", sa.String(40), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 120", name=op.f("ck_escalation_policies_name_length")),
        sa.CheckConstraint("is_on = (on_since IS NOT NULL)", name=op.f("ck_escalation_policies_on_since_told")),
        sa.CheckConstraint("subject IN ('lead', 'follow_up')", name=op.f("ck_escalation_policies_subject_known")),
        sa.CheckConstraint(
            "ownership IN ('any', 'owned', 'unowned')", name=op.f("ck_escalation_policies_ownership_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation_policies")),
    )
    op.create_index("uq_escalation_policies_name", "escalation_policies", [sa.text("lower(name)")], unique=True)


def _steps() -> None:
    op.create_table(
        "escalation_steps",
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("step_no", sa.Integer(), nullable=False),
        sa.Column("after_minutes", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("notify", sa.String(40), nullable=True),
        sa.Column("notify_id", sa.Uuid(), nullable=True),
        sa.Column("snooze_minutes", sa.Integer(), nullable=True),
        sa.CheckConstraint("after_minutes > 0", name=op.f("ck_escalation_steps_after_minutes_positive")),
        sa.CheckConstraint("(action = 'nudge') = (notify IS NOT NULL)", name=op.f("ck_escalation_steps_nudge_reaches")),
        sa.CheckConstraint(
            "(notify_id IS NOT NULL) = (notify IS NOT NULL AND notify = 'operator')",
            name=op.f("ck_escalation_steps_operator_named"),
        ),
        sa.CheckConstraint(
            "(action = 'snooze') = (snooze_minutes IS NOT NULL)", name=op.f("ck_escalation_steps_snooze_lasts")
        ),
        sa.CheckConstraint("snooze_minutes > 0", name=op.f("ck_escalation_steps_snooze_minutes_positive")),
        sa.CheckConstraint("action IN ('nudge', 'critical', 'snooze')", name=op.f("ck_escalation_steps_action_known")),
        sa.CheckConstraint("notify IN ('owner', 'team', 'operator')", name=op.f("ck_escalation_steps_notify_known")),
        sa.ForeignKeyConstraint(["policy_id"], ["escalation_policies.id"], name=op.f("fk_escalation_steps_policy_id")),
        sa.PrimaryKeyConstraint("policy_id", "step_no", name=op.f("pk_escalation_steps")),
    )


def _escalations() -> None:
    op.create_table(
        "escalations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("policy_name", sa.Text(), nullable=False),
        sa.Column("step_no", sa.Integer(), nullable=False),
        sa.Column("subject_kind", sa.String(40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("escalated_at", INSTANT, nullable=False),
        sa.CheckConstraint("subject_kind IN ('lead', 'follow_up')", name=op.f("ck_escalations_subject_kind_known")),
        sa.CheckConstraint("action IN ('nudge', 'critical', 'snooze')", name=op.f("ck_escalations_action_known")),
        sa.ForeignKeyConstraint(["policy_id"], ["escalation_policies.id"], name=op.f("fk_escalations_policy_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_escalations_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalations")),
        sa.UniqueConstraint("policy_id", "step_no", "subject_kind", "subject_id", "since", name="uq_escalations_once"),
    )
    op.create_index("ix_escalations_lead_id_escalated_at", "escalations", ["lead_id", "escalated_at"])
    op.create_index("ix_escalations_escalated_at_id", "escalations", ["escalated_at", "id"])
