"""Escalation policies as people write them, and what they have done."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis.database import Versioned
from contracts.values import AustralianState, SelectedPath
from services.intake.domain import LeadStatus
from services.intake.domain.escalation import Notify, Ownership, Policy, Step, StepAction, SubjectKind
from services.intake.models.model import Model, among, words


def _texts() -> Any:
    """A set of words; empty is no filter."""
    return mapped_column(ARRAY(Text), server_default="{}")


class EscalationPolicy(Versioned, Model):
    __tablename__ = "escalation_policies"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    is_on: Mapped[bool]
    on_since: Mapped[datetime | None]
    """Nothing that was due before it is done: set anew when it is turned on, and when it is changed."""
    subject: Mapped[SubjectKind] = mapped_column(words(SubjectKind))
    statuses: Mapped[list[str]] = _texts()
    paths: Mapped[list[str]] = _texts()
    services: Mapped[list[str]] = _texts()
    states: Mapped[list[str]] = _texts()
    source_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    ownership: Mapped[Ownership] = mapped_column(words(Ownership))
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]

    @property
    def rules(self) -> Policy:
        return Policy(
            subject=self.subject,
            steps=tuple(step.rule for step in self.steps),
            on_since=self.on_since,
            statuses=frozenset(LeadStatus(each) for each in self.statuses),
            paths=frozenset(SelectedPath(each) for each in self.paths),
            services=frozenset(self.services),
            states=frozenset(AustralianState(each) for each in self.states),
            source_ids=frozenset(self.source_ids),
            ownership=self.ownership,
        )

    steps: Mapped[list["EscalationStep"]] = relationship(
        order_by="EscalationStep.step_no", cascade="all, delete-orphan", lazy="selectin"
    )

    __table_args__ = (
        CheckConstraint("char_length(name) BETWEEN 1 AND 120", name="name_length"),
        CheckConstraint("is_on = (on_since IS NOT NULL)", name="on_since_told"),
        among("subject", SubjectKind),
        among("ownership", Ownership),
        Index("uq_escalation_policies_name", text("lower(name)"), unique=True),
    )


class EscalationStep(Model):
    """`notify_id` is the operator's, where a nudge reaches one."""

    __tablename__ = "escalation_steps"

    policy_id: Mapped[UUID] = mapped_column(ForeignKey("escalation_policies.id"), primary_key=True)
    step_no: Mapped[int] = mapped_column(primary_key=True)
    after_minutes: Mapped[int]
    action: Mapped[StepAction] = mapped_column(words(StepAction))
    notify: Mapped[Notify | None] = mapped_column(words(Notify))
    notify_id: Mapped[UUID | None]
    snooze_minutes: Mapped[int | None]

    @property
    def rule(self) -> Step:
        return Step(self.after_minutes, self.action, self.notify, self.notify_id, self.snooze_minutes)

    __table_args__ = (
        CheckConstraint("after_minutes > 0", name="after_minutes_positive"),
        CheckConstraint("(action = 'nudge') = (notify IS NOT NULL)", name="nudge_reaches"),
        CheckConstraint(
            "(notify_id IS NOT NULL) = (notify IS NOT NULL AND notify = 'operator')", name="operator_named"
        ),
        CheckConstraint("(action = 'snooze') = (snooze_minutes IS NOT NULL)", name="snooze_lasts"),
        CheckConstraint("snooze_minutes > 0", name="snooze_minutes_positive"),
        among("action", StepAction),
        among("notify", Notify),
    )


class Escalation(Model):
    """A step that was done, once for an episode of its subject."""

    __tablename__ = "escalations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("escalation_policies.id"))
    policy_name: Mapped[str]
    step_no: Mapped[int]
    subject_kind: Mapped[SubjectKind] = mapped_column(words(SubjectKind))
    subject_id: Mapped[UUID]
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id"))
    since: Mapped[datetime]
    action: Mapped[StepAction] = mapped_column(words(StepAction))
    escalated_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("policy_id", "step_no", "subject_kind", "subject_id", "since", name="uq_escalations_once"),
        among("subject_kind", SubjectKind),
        among("action", StepAction),
        Index("ix_escalations_lead_id_escalated_at", "lead_id", "escalated_at"),
        Index("ix_escalations_escalated_at_id", "escalated_at", "id"),
    )
