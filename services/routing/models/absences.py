"""When installers are away."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.routing.domain.states import AbsenceKind
from services.routing.models.model import Model


class InstallerAbsence(Model):
    """From `starts_at` until just before `ends_at`; a pause may be without end. `ended_at` is when it was cut short.

    One that is cut short before it began never was.
    """

    __tablename__ = "installer_absences"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"))
    kind: Mapped[AbsenceKind] = mapped_column(Word(AbsenceKind))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    reason: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("kind", AbsenceKind),
        CheckConstraint("ends_at > starts_at", name="ends_after_it_starts"),
        Index("ix_installer_absences_installer_id", "installer_id", "starts_at"),
    )
