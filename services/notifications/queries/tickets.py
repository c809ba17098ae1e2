"""Tickets and what was said in them."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.models import Ticket


async def lock_tickets(session: AsyncSession, ticket_ids: Collection[UUID]) -> list[Ticket]:
    statement = select(Ticket).where(Ticket.id.in_(ticket_ids)).order_by(Ticket.id).with_for_update()
    return list(await session.scalars(statement.execution_options(populate_existing=True)))
