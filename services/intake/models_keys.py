"""The keys under which leads' contacts are sealed on the wire."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import Versioned
from services.intake.models import Model


class LeadKey(Versioned, Model):
    """Destroyed when the person is erased: what was sealed with it says nothing any more, wherever it lies."""

    __tablename__ = "lead_keys"

    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id"), primary_key=True)
    key: Mapped[bytes | None]
    created_at: Mapped[datetime]
    destroyed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(key IS NULL) = (destroyed_at IS NOT NULL)", name="destroyed_holds_none"),
        CheckConstraint("octet_length(key) = 32", name="key_length"),
    )
