"""Follow-ups: what is to be done about a lead, by whom and until when."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.intake.domain import Channel, FollowUpAction, FollowUpOutcome, FollowUpState, obstacle_to_follow_up
from services.intake.models.model import Model, among, words

IS_OPEN = text("state = 'open'")


class FollowUp(Model):
    """Changed under its lead's lock. `note` says what is to be done, `outcome_note` how it went."""

    __tablename__ = "follow_ups"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("leads.id"))
    owner_id: Mapped[UUID | None]
    owner_name: Mapped[str | None]
    channel: Mapped[Channel] = mapped_column(words(Channel))
    due_at: Mapped[datetime]
    note: Mapped[str]
    state: Mapped[FollowUpState] = mapped_column(words(FollowUpState))
    outcome: Mapped[FollowUpOutcome | None] = mapped_column(words(FollowUpOutcome))
    outcome_note: Mapped[str | None]
    snoozes: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    done_at: Mapped[datetime | None]
    """When it was done or cancelled."""
    done_by: Mapped[str | None]

    __table_args__ = (
        among("channel", Channel),
        among("state", FollowUpState),
        among("outcome", FollowUpOutcome),
        CheckConstraint("(state = 'done') = (outcome IS NOT NULL)", name="outcome_told"),
        CheckConstraint("(state = 'open') = (done_at IS NULL)", name="end_told"),
        CheckConstraint("(owner_id IS NULL) = (owner_name IS NULL)", name="owner_named"),
        Index("ix_follow_ups_open_owner_id_due_at_id", "owner_id", "due_at", "id", postgresql_where=IS_OPEN),
        Index("ix_follow_ups_open_due_at_id", "due_at", "id", postgresql_where=IS_OPEN),
        Index("ix_follow_ups_due_at_id", "due_at", "id"),
        Index("ix_follow_ups_lead_id", "lead_id"),
    )

    @property
    def available_actions(self) -> list[FollowUpAction]:
        return [action for action in FollowUpAction if not obstacle_to_follow_up(action, self.state)]
