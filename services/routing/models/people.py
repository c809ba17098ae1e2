"""The people of an installer, and what operators keep in mind about it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.routing.domain.states import ContactRole
from services.routing.models.model import Model

IS_THERE = text("removed_at IS NULL")


class InstallerContact(Model):
    """Whom to call or write to for what. Of one that was removed nothing is shown."""

    __tablename__ = "installer_contacts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"))
    name: Mapped[str]
    role: Mapped[ContactRole] = mapped_column(Word(ContactRole))
    email: Mapped[str | None]
    phone: Mapped[str | None]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("role", ContactRole),
        CheckConstraint("email IS NOT NULL OR phone IS NOT NULL", name="can_be_reached"),
        Index("ix_installer_contacts_installer_id", "installer_id", postgresql_where=IS_THERE),
    )


class InstallerNote(Model):
    """Written once: what is wrong in one is said in the next."""

    __tablename__ = "installer_notes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"))
    text: Mapped[str]
    author_id: Mapped[UUID]
    author_name: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_installer_notes_installer_id", "installer_id", "created_at", "id"),)
