"""Leads that may be one, leads that were made one, and what was asked of billing for it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import Versioned
from contracts.values import CreditReason
from services.intake.domain.duplicates import KEPT_FROM, MOST, PairState, Scope, Thresholds
from services.intake.domain.merging import MergeReason, UnmergeReason
from services.intake.models.model import Model, among, words

NOT_ASKED_AGAIN = text("result IS NULL OR result NOT IN ('refused', 'not_charged', 'declined')")


class DuplicateSettings(Versioned, Model):
    """The one row: from which score on a lead is held, shown for review, or rejected by itself."""

    __tablename__ = "duplicate_settings"

    id: Mapped[int] = mapped_column(primary_key=True, default=1, autoincrement=False)
    is_on: Mapped[bool]
    hold_from: Mapped[int]
    review_from: Mapped[int]
    reject_from: Mapped[int | None]
    look_back_days: Mapped[int]
    scope: Mapped[Scope] = mapped_column(words(Scope))
    changed_at: Mapped[datetime | None]
    changed_by: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("id = 1", name="one_row"),
        CheckConstraint(f"review_from >= {KEPT_FROM} AND hold_from <= {MOST}", name="thresholds_range"),
        CheckConstraint("review_from <= hold_from", name="review_before_hold"),
        CheckConstraint(f"reject_from BETWEEN hold_from AND {MOST}", name="reject_last"),
        CheckConstraint("look_back_days BETWEEN 1 AND 365", name="look_back_days_range"),
        among("scope", Scope),
    )

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(*(getattr(self, name) for name in Thresholds.__slots__))


class LeadMatch(Model):
    """By what leads are found that may be one: hashes, a row for each kind. An empty field has none."""

    __tablename__ = "lead_match"

    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    value: Mapped[bytes] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    received_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("octet_length(value) = 16", name="value_length"),
        Index("ix_lead_match_lead_id", "lead_id", postgresql_using="hash"),
    )


class LeadPair(Model):
    """Two leads that may be one. `lead_id` is the one that was looked at later, and held where the pair holds one.

    It is of the two themselves, whichever was merged since: two families have as many as of them are alike.

    `score`, reasons and similarities are as the two leads say now while the pair is open. `screened_score` is what it
    scored when its lead was screened, where that is another: 0 where it was found later.
    `similarities` are numbers alone; what they were taken of stands with the leads. No foreign keys: screening would
    wait for whoever works on an earlier lead.
    """

    __tablename__ = "lead_pairs"

    id: Mapped[UUID] = mapped_column(unique=True)
    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    other_id: Mapped[UUID] = mapped_column(primary_key=True)
    score: Mapped[int] = mapped_column(SmallInteger)
    screened_score: Mapped[int | None] = mapped_column(SmallInteger)
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    similarities: Mapped[dict[str, float]] = mapped_column(JSONB)
    days_apart: Mapped[int]
    is_same_service: Mapped[bool]
    holds: Mapped[bool]
    state: Mapped[PairState] = mapped_column(words(PairState))
    found_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason_code: Mapped[str | None]
    note: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("lead_id <> other_id", name="two_leads"),
        CheckConstraint(f"score BETWEEN 0 AND {MOST}", name="score_range"),
        CheckConstraint(f"screened_score BETWEEN 0 AND {MOST}", name="screened_score_range"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided"),
        among("state", PairState),
        Index(
            "uq_lead_pairs_once",
            text("least(lead_id, other_id)"),
            text("greatest(lead_id, other_id)"),
            unique=True,
        ),
        Index("ix_lead_pairs_state_found_at", "state", "found_at", "id"),
        Index("ix_lead_pairs_found_at", "found_at", "id"),
        Index("ix_lead_pairs_other_id", "other_id"),
    )


class Merge(Model):
    """That two leads are one: the survivor goes on, the loser stands as it stood. `loser_before` is how that was.

    `steps_meanwhile` is what routing said of the loser since, as DispatchStep has it. `is_told`: the others knew the
    loser, and have heard that it was closed.
    """

    __tablename__ = "merges"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    survivor_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id"))
    loser_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id"))
    loser_before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    steps_meanwhile: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")
    is_told: Mapped[bool]
    reason_code: Mapped[MergeReason] = mapped_column(words(MergeReason))
    note: Mapped[str | None]
    merged_at: Mapped[datetime]
    merged_by: Mapped[str]
    unmerged_at: Mapped[datetime | None]
    unmerged_by: Mapped[str | None]
    unmerge_reason: Mapped[UnmergeReason | None] = mapped_column(words(UnmergeReason))
    unmerge_note: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("survivor_id <> loser_id", name="two_leads"),
        CheckConstraint(
            "(unmerged_at IS NULL) = (unmerged_by IS NULL) AND (unmerged_at IS NULL) = (unmerge_reason IS NULL)",
            name="unmerged",
        ),
        among("reason_code", MergeReason),
        among("unmerge_reason", UnmergeReason),
        Index("uq_merges_standing", "loser_id", unique=True, postgresql_where=text("unmerged_at IS NULL")),
        Index("ix_merges_survivor_id", "survivor_id"),
        Index("ix_merges_loser_id", "loser_id"),
    )


class MergeField(Model):
    """A field that the survivor took from the loser: the only place of what it was before, but its correction."""

    __tablename__ = "merge_fields"

    merge_id: Mapped[UUID] = mapped_column(ForeignKey("merges.id"), primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    before: Mapped[str]
    after: Mapped[str]


class CreditAsked(Model):
    """That billing credit a delivery; `result` is its last answer, None until the first. `deed` is merge or correction.

    `version` is that of the answer.
    """

    __tablename__ = "credit_requests"

    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id"))
    deed: Mapped[str]
    deed_id: Mapped[UUID]
    assignment_id: Mapped[UUID]
    installer_id: Mapped[UUID]
    installer_name: Mapped[str | None]
    reason_code: Mapped[CreditReason] = mapped_column(words(CreditReason))
    asked_at: Mapped[datetime]
    asked_by: Mapped[str]
    result: Mapped[str | None]
    detail: Mapped[str | None]
    adjustment_id: Mapped[UUID | None]
    invoice_id: Mapped[UUID | None]
    amount_cents: Mapped[int | None] = mapped_column(BigInteger)
    answered_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        CheckConstraint("deed IN ('merge', 'correction')", name="deed_known"),
        CheckConstraint("(result IS NULL) = (answered_at IS NULL)", name="answered"),
        among("reason_code", CreditReason),
        Index("uq_credit_requests_assignment_id", "assignment_id", unique=True, postgresql_where=NOT_ASKED_AGAIN),
        Index("ix_credit_requests_lead_id", "lead_id"),
    )
