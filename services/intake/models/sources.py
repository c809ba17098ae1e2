"""Who hands leads in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import Versioned
from services.intake.domain import (
    HIGHEST_RATE_PER_MINUTE,
    Obstacle,
    SourceAction,
    SourceMode,
    obstacle_to_key,
    obstacle_to_source,
)
from services.intake.models.model import Model, among, words


class LeadSource(Versioned, Model):
    """Who hands leads in. Never deleted: its leads name it for ever. Without a rate it has the setting's."""

    __tablename__ = "lead_sources"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    mode: Mapped[SourceMode] = mapped_column(words(SourceMode), default=SourceMode.LIVE, server_default="live")
    rate_per_minute: Mapped[int | None]

    __table_args__ = (
        among("mode", SourceMode),
        CheckConstraint(f"rate_per_minute BETWEEN 1 AND {HIGHEST_RATE_PER_MINUTE}", name="rate_per_minute_range"),
        CheckConstraint("char_length(name) BETWEEN 1 AND 120", name="name_length"),
        Index("uq_lead_sources_name", text("lower(name)"), unique=True),
        Index("ix_lead_sources_created_at_id", "created_at", "id"),
    )

    @property
    def available_actions(self) -> list[SourceAction]:
        is_revoked = self.revoked_at is not None
        return [action for action in SourceAction if not obstacle_to_source(action, is_revoked=is_revoked)]


class LeadSourceKey(Model):
    """An API key of a source, found by its prefix; of the secret its SHA-256 alone is kept."""

    __tablename__ = "lead_source_keys"

    prefix: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("lead_sources.id"), index=True)
    key_sha256: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    """By the machine's clock, as all security; none while no other key has taken its place."""
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    """A few minutes late: it is not written for each lead."""

    @property
    def begins(self) -> str:
        """As it is shown: what follows is nowhere."""
        return f"wbk_{self.prefix}_"

    def obstacle(self, source: LeadSource, now: datetime) -> Obstacle | None:
        """What is in the way of revoking it, by the machine's clock."""
        return obstacle_to_key(
            is_source_revoked=source.revoked_at is not None,
            is_revoked=self.revoked_at is not None,
            has_run_out=self.expires_at is not None and self.expires_at <= now,
        )

    __table_args__ = (CheckConstraint("octet_length(key_sha256) = 32", name="key_sha256_length"),)


class TestSubmission(Model):
    """What came of a request that was a test. Only of one that was taken are key and fingerprint kept.

    Nothing else of the submission is: who was made up for it may be somebody. `faults` are pairs of field and code.
    """

    __tablename__ = "test_submissions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("lead_sources.id"))
    submission_key: Mapped[str | None]
    fingerprint: Mapped[bytes | None]
    status_code: Mapped[int]
    faults: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    received_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(
            "(status_code = 202) = (submission_key IS NOT NULL AND fingerprint IS NOT NULL)", name="taken_is_told"
        ),
        Index(
            "uq_test_submissions_source_id_submission_key",
            "source_id",
            "submission_key",
            unique=True,
            postgresql_where=text("status_code = 202"),
        ),
        Index("ix_test_submissions_source_id_received_at_id", "source_id", "received_at", "id"),
        Index("ix_test_submissions_received_at", "received_at"),
    )


class SourceRejection(Model):
    """How often a source was told no in an hour of the business zone's clocks.

    Without a field it is a whole request, by its problem's code; with one it is a fault of that field.
    """

    __tablename__ = "source_rejections"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("lead_sources.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True, default="", server_default="")
    number: Mapped[int]

    __table_args__ = (CheckConstraint("number > 0", name="number_positive"),)


class SourceBudget(Model):
    """What the processes have asked for of a source's newest minute, by the server's clock.

    What was asked for beyond the rate was not given.
    """

    __tablename__ = "source_budgets"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("lead_sources.id"), primary_key=True)
    minute: Mapped[datetime]
    used: Mapped[int]
