"""Leads that installers give back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from contracts.values import CreditReason
from services.routing.domain.returns import AskedBy, AskedVia, DenialCode, ReturnCode, ReturnState, RuleVerdict, Ruling
from services.routing.models.model import Model

IS_STANDING = text("state IN ('requested', 'accepted')")
IS_REQUESTED = text("state = 'requested'")


class Return(Model):
    """One request to give a lead back. Whoever changes it holds the lock of its lead's dispatch.

    `words` are as they were typed, `evidence` is what the system itself knew at that moment, with nobody's name.
    `is_over_quota` was so when it was asked for, and once it is accepted when it was. `credit_*` is what billing
    answered last; without any, none was asked for or the answer is not here yet.
    """

    __tablename__ = "returns"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"))
    lead_id: Mapped[UUID]
    installer_id: Mapped[UUID]
    code: Mapped[ReturnCode] = mapped_column(Word(ReturnCode))
    words: Mapped[str]
    asked_by: Mapped[AskedBy] = mapped_column(Word(AskedBy))
    channel: Mapped[AskedVia] = mapped_column(Word(AskedVia))
    requested_at: Mapped[datetime]
    requested_by_id: Mapped[UUID | None]
    requested_by_name: Mapped[str]
    decide_by: Mapped[datetime]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    rule_verdict: Mapped[RuleVerdict] = mapped_column(Word(RuleVerdict))
    rule_reason: Mapped[str]
    is_over_quota: Mapped[bool] = mapped_column(default=False, server_default="false")
    state: Mapped[ReturnState] = mapped_column(Word(ReturnState))
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None]
    decided_by_name: Mapped[str | None]
    decided_by_rule: Mapped[bool] = mapped_column(default=False, server_default="false")
    denial_code: Mapped[DenialCode | None] = mapped_column(Word(DenialCode))
    decision_note: Mapped[str | None]
    credit_reason: Mapped[CreditReason | None] = mapped_column(Word(CreditReason))
    is_offered_on: Mapped[bool | None]
    credit_result: Mapped[str | None]
    credit_detail: Mapped[str | None]
    credit_invoice_id: Mapped[UUID | None]
    credit_answered_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("code", ReturnCode),
        one_of("asked_by", AskedBy),
        one_of("channel", AskedVia),
        one_of("rule_verdict", RuleVerdict),
        one_of("state", ReturnState),
        one_of("denial_code", DenialCode),
        one_of("credit_reason", CreditReason),
        CheckConstraint("(state = 'requested') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(decided_at IS NULL) = (decided_by_name IS NULL)", name="decided_by"),
        CheckConstraint("(state = 'denied') = (denial_code IS NOT NULL)", name="denied"),
        CheckConstraint("(state = 'accepted') = (is_offered_on IS NOT NULL)", name="accepted"),
        CheckConstraint("state = 'accepted' OR credit_reason IS NULL", name="credited"),
        CheckConstraint("num_nulls(credit_result, credit_answered_at) IN (0, 2)", name="answered"),
        Index("uq_returns_standing", "assignment_id", unique=True, postgresql_where=IS_STANDING),
        Index("ix_returns_decide_by", "decide_by", "id", postgresql_where=IS_REQUESTED),
        Index("ix_returns_requested_at", "requested_at", "id"),
        Index("ix_returns_installer_id_requested_at", "installer_id", "requested_at", "id"),
        Index("ix_returns_assignment_id", "assignment_id"),
        Index("ix_returns_lead_id", "lead_id"),
    )

    @property
    def ruling(self) -> Ruling:
        return Ruling(self.rule_verdict, self.rule_reason)
