"""Assignments: one lead given to one installer."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from chassis.database import Versioned
from contracts.values import CapReleaseReason, ProductType, SelectedPath
from services.routing.domain.states import AssignmentStatus, CapState, Channel
from services.routing.models.model import Model

IS_LIVE = text("status IN ('pending', 'sent')")
SHARES = "share_no BETWEEN 1 AND CASE selected_path WHEN 'recommended_installer' THEN 1 ELSE 3 END"
STATE_OF_CAP = (
    "CASE status WHEN 'pending' THEN cap_state = 'reserved' WHEN 'sent' THEN cap_state IN ('counted', 'released') "
    "WHEN 'returned' THEN cap_state = 'released' ELSE cap_state = 'given_back' END"
)
IS_DELIVERED = "status IN ('sent', 'returned')"
HAS_ENDED = "status IN ('failed', 'cancelled', 'returned')"
MOVED_AT = text("coalesce(ended_at, sent_at)")
"""When it last became something else than it was given as."""
IS_PENDING_WEBHOOK = text("channel = 'webhook' AND status = 'pending'")


class Assignment(Versioned, Model):
    """`created_at` decides in which windows of its installer it counts; `ended_at` is when it failed, was cancelled or
    was returned. `channel` is the installer's as it was when the lead was given.

    `share_no` counts from 1: an exclusive lead has one share, a shared one three, and each is held once at a time.
    """

    __tablename__ = "assignments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("dispatches.lead_id"))
    installer_id: Mapped[UUID] = mapped_column(ForeignKey("installers.id"))
    decision_id: Mapped[UUID] = mapped_column(ForeignKey("decisions.id"))
    selected_path: Mapped[SelectedPath] = mapped_column(Word(SelectedPath))
    share_no: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[AssignmentStatus] = mapped_column(Word(AssignmentStatus))
    cap_state: Mapped[CapState] = mapped_column(Word(CapState))
    channel: Mapped[Channel] = mapped_column(Word(Channel), default=Channel.MAIL, server_default=Channel.MAIL)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None]
    ended_note: Mapped[str | None]
    cap_released_at: Mapped[datetime | None]
    cap_release_reason: Mapped[CapReleaseReason | None] = mapped_column(Word(CapReleaseReason))
    cap_release_note: Mapped[str | None]

    __table_args__ = (
        one_of("selected_path", SelectedPath),
        one_of("status", AssignmentStatus),
        one_of("cap_state", CapState),
        one_of("channel", Channel),
        one_of("cap_release_reason", CapReleaseReason),
        CheckConstraint(STATE_OF_CAP, name="cap_follows_status"),
        CheckConstraint(f"({IS_DELIVERED}) = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint(f"({HAS_ENDED}) = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("(cap_state = 'released') = (cap_released_at IS NOT NULL)", name="released"),
        CheckConstraint("(cap_released_at IS NULL) = (cap_release_reason IS NULL)", name="released_has_its_reason"),
        CheckConstraint(SHARES, name="shares"),
        Index("uq_assignments_share", "lead_id", "share_no", unique=True, postgresql_where=IS_LIVE),
        # Never the same lead twice to one installer.
        Index("uq_assignments_live", "lead_id", "installer_id", unique=True, postgresql_where=IS_LIVE),
        Index("ix_assignments_lead_id", "lead_id"),
        Index("ix_assignments_created_at", "created_at", "id"),
        Index("ix_assignments_installer_id_created_at", "installer_id", "created_at", "id"),
        Index("ix_assignments_status_created_at", "status", "created_at", "id"),
        Index("ix_assignments_cap_state_created_at", "cap_state", "created_at", "id"),
        Index("ix_assignments_moved_at", MOVED_AT, postgresql_where=text(f"{MOVED_AT} IS NOT NULL")),
        Index("ix_assignments_pending_webhooks", "created_at", postgresql_where=IS_PENDING_WEBHOOK),
    )

    @property
    def product_type(self) -> ProductType:
        return self.selected_path.product_type
