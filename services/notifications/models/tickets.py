"""Tickets and what was said in them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from chassis.columns import Word, one_of
from services.notifications.domain import tickets
from services.notifications.domain.tickets import EntryKind, TicketState
from services.notifications.models.columns import Model


class Ticket(Model):
    __tablename__ = "tickets"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str]
    requester_name: Mapped[str]
    requester_email: Mapped[str]
    state: Mapped[TicketState] = mapped_column(Word(TicketState), default=TicketState.OPEN)
    state_since: Mapped[datetime]
    replies: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_tickets_created_at", "created_at", "id"),
        Index("ix_tickets_state", "state", "created_at", "id"),
        Index("ix_tickets_state_since", "state_since", "id"),
        one_of("state", TicketState),
    )

    @property
    def available_actions(self) -> list[str]:
        return [action for action in tickets.TicketAction if tickets.obstacle_to(action, self.state) is None]


class TicketEntry(Model):
    """What was asked, answered or noted. Notes are for operators alone; written once.

    `closes` is set of replies: whether it was asked to close the ticket with it.
    """

    __tablename__ = "ticket_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("tickets.id"))
    kind: Mapped[EntryKind] = mapped_column(Word(EntryKind))
    author_id: Mapped[UUID | None]
    author_name: Mapped[str]
    body: Mapped[str]
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id"))
    closes: Mapped[bool | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_ticket_entries_ticket_id", "ticket_id", "created_at", "id"),
        one_of("kind", EntryKind),
    )
