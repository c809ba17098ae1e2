"""Persons who were erased: that it was done, for whom it was asked and by whom, and nothing of themselves."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.domain.erasure import AskedVia, ErasureReason
from services.intake.models.model import Model, among, words


class Erasure(Model):
    """`counts` are rows by what was erased in them."""

    __tablename__ = "erasures"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    asked_via: Mapped[AskedVia] = mapped_column(words(AskedVia))
    reason_code: Mapped[ErasureReason] = mapped_column(words(ErasureReason))
    note: Mapped[str]
    requested_by: Mapped[str]
    erased_at: Mapped[datetime]
    lead_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    counts: Mapped[dict[str, int]] = mapped_column(JSONB)

    __table_args__ = (
        among("asked_via", AskedVia),
        among("reason_code", ErasureReason),
        CheckConstraint("cardinality(lead_ids) > 0", name="leads_named"),
        Index("ix_erasures_erased_at_id", "erased_at", "id"),
        Index("ix_erasures_lead_ids", "lead_ids", postgresql_using="gin"),
    )
