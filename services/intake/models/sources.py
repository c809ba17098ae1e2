"""Who hands leads in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.domain import SourceAction, obstacle_to_source
from services.intake.models.model import Model


class LeadSource(Model):
    """Who hands leads in. Never deleted: its leads name it for ever."""

    __tablename__ = "lead_sources"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
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

    __table_args__ = (CheckConstraint("octet_length(key_sha256) = 32", name="key_sha256_length"),)
