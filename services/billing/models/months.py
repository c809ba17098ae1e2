"""What people leave behind as they close a month: ticks, whom it is about, and references that were looked at."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.billing.domain.month_close import CloseStep
from services.billing.models.columns import Table

_IS_A_MONTH = "period ~ '^20[0-9]{2}-(0[1-9]|1[0-2])$'"


class MonthMark(Table):
    """Written once: a step was ticked, or its tick was taken back. The latest of a step counts."""

    __tablename__ = "month_marks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    period: Mapped[str]
    step: Mapped[CloseStep] = mapped_column(Word(CloseStep))
    is_done: Mapped[bool]
    note: Mapped[str | None]
    made_by_id: Mapped[UUID]
    made_by_name: Mapped[str]
    made_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(_IS_A_MONTH, name="period"),
        one_of("step", CloseStep),
        Index("ix_month_marks_period", "period", "step", "id"),
    )


class MonthScope(Table):
    """Written once: whom the close of a month is about, all installers where none is named. The latest counts."""

    __tablename__ = "month_scopes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    period: Mapped[str]
    installer_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    made_by_id: Mapped[UUID]
    made_by_name: Mapped[str]
    made_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(_IS_A_MONTH, name="period"),
        CheckConstraint("installer_ids IS NULL OR cardinality(installer_ids) > 0", name="installer_ids"),
        Index("ix_month_scopes_period", "period", "id"),
    )


class ReferenceImport(Table):
    """A list of Stripe references as it was sent, looked at first; once kept, nothing of it changes any more."""

    __tablename__ = "reference_imports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    period: Mapped[str]
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    made_by_id: Mapped[UUID]
    made_by_name: Mapped[str]
    made_at: Mapped[datetime]
    kept_by_name: Mapped[str | None]
    kept_at: Mapped[datetime | None]
    kept_count: Mapped[int | None]

    __table_args__ = (
        CheckConstraint(_IS_A_MONTH, name="period"),
        CheckConstraint(
            "(kept_at IS NULL) = (kept_by_name IS NULL) AND (kept_at IS NULL) = (kept_count IS NULL)", name="kept"
        ),
        Index("ix_reference_imports_period", "period", "id"),
    )
