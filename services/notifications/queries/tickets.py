"""Tickets and what was said in them."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import NotFound
from chassis.paging import PageRequest
from services.notifications.domain.tickets import EntryKind, TicketState
from services.notifications.models import Ticket, TicketEntry


async def lock_tickets(session: AsyncSession, ticket_ids: Collection[UUID]) -> list[Ticket]:
    statement = select(Ticket).where(Ticket.id.in_(ticket_ids)).order_by(Ticket.id).with_for_update()
    return list(await session.scalars(statement.execution_options(populate_existing=True)))


async def list_tickets(session: AsyncSession, page: PageRequest, *, state: TicketState | None) -> Sequence[Ticket]:
    statement = select(Ticket)
    if state is not None:
        statement = statement.where(Ticket.state == state)
    return list(await session.scalars(page.apply(statement, Ticket.created_at, Ticket.id)))


async def one_ticket(session: AsyncSession, ticket_id: UUID) -> Ticket:
    return NotFound.unless(await session.get(Ticket, ticket_id), "no such ticket", ticket_id=ticket_id)


async def request_body(session: AsyncSession, ticket_id: UUID) -> str | None:
    """The requester's own words."""
    found: str | None = await session.scalar(
        select(TicketEntry.body).where(TicketEntry.ticket_id == ticket_id, TicketEntry.kind == EntryKind.REQUEST)
    )
    return found


async def note_beside(session: AsyncSession, message_id: UUID) -> str | None:
    """The note that was logged with the reply that this mail carries."""
    found: str | None = await session.scalar(
        select(TicketEntry.body)
        .where(TicketEntry.message_id == message_id, TicketEntry.kind == EntryKind.NOTE)
        .order_by(TicketEntry.created_at, TicketEntry.id)
        .limit(1)
    )
    return found


async def entries_of(session: AsyncSession, ticket_id: UUID) -> Sequence[TicketEntry]:
    """In the order in which they were written."""
    statement = select(TicketEntry).where(TicketEntry.ticket_id == ticket_id)
    return list(await session.scalars(statement.order_by(TicketEntry.created_at, TicketEntry.id)))
