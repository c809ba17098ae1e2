"""The support queue over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import BaseModel, ConfigDict, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, Text, requires
from chassis.ids import new_id
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.notifications.commands.tickets import (
    ThreadTerms,
    TicketReply,
    TicketRequest,
    close_ticket,
    create_ticket,
    reply_to_ticket,
)
from services.notifications.domain.tickets import EntryKind, TicketState
from services.notifications.errors import TicketSigningOff
from services.notifications.http.fields import Mailbox
from services.notifications.models import Ticket, TicketEntry
from services.notifications.queries.tickets import entries_of, list_tickets, one_ticket
from services.notifications.settings import Settings


class TicketRow(BaseModel):
    """`pending` waits for the requester, `open` for us."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    subject: str
    requester_name: str
    requester_email: str
    state: TicketState
    state_since: datetime
    replies: int
    created_at: datetime
    updated_at: datetime
    available_actions: list[str]


class EntryRow(BaseModel):
    """`message_id` is the mail that carried a reply; its state is at `/admin/messages/{id}`."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: EntryKind
    author_id: UUID | None
    author_name: str
    body: str
    message_id: UUID | None
    created_at: datetime


class TicketDetail(TicketRow):
    entries: list[EntryRow]


class NewTicket(Body):
    """`id` may be the caller's own: sent twice, it makes one ticket."""

    id: UUID = Field(default_factory=new_id)
    subject: Line
    requester_name: Line
    requester_email: Mailbox
    body: Text


class Reply(Body):
    """`id` may be the caller's own: sent twice, it mails once. `note` is for operators alone."""

    id: UUID = Field(default_factory=new_id)
    body: Text
    note: Text | None = None
    closes: bool = False


class CloseTicket(Body):
    note: Text | None = None


@get("/admin/ops/tickets", guards=[requires(Capability.READ_OPS)])
async def list_support_tickets(
    database: Given[Database],
    page: Given[PageRequest],
    in_state: Annotated[TicketState | None, QueryParameter(name="state")] = None,
) -> Page[TicketRow]:
    """Newest first."""
    async with database.reading() as session:
        tickets = await list_tickets(session, page, state=in_state)
    return page.page(tickets, lambda ticket: (ticket.created_at, ticket.id), TicketRow.model_validate)


@post("/admin/ops/tickets", guards=[requires(Capability.WRITE_ROUTING)])
async def open_ticket(
    data: JSONBody[NewTicket], database: Given[Database], clock: Given[Clock], operator: Given[Operator]
) -> TicketDetail:
    """Open a ticket for what someone asked."""
    request = TicketRequest(**data.model_dump())
    async with database.transaction() as session:
        ticket = await create_ticket(session, request, operator, clock.now())
        entries = await entries_of(session, ticket.id)
    return _detail(ticket, entries)


@get("/admin/ops/tickets/{ticket_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_ticket(ticket_id: FromPath[UUID], database: Given[Database]) -> TicketDetail:
    """One ticket with all that was said in it."""
    async with database.reading() as session:
        ticket = await one_ticket(session, ticket_id)
        entries = await entries_of(session, ticket_id)
    return _detail(ticket, entries)


@post("/admin/ops/tickets/{ticket_id:uuid}/reply", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def reply_by_mail(
    ticket_id: FromPath[UUID],
    data: JSONBody[Reply],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> TicketDetail:
    """Queue a reply to the requester and log an internal note.

    The ticket then waits for the requester, or is closed. A reply that cannot be delivered opens it again.
    """
    reply = TicketReply(ticket_id, data.body, operator, data.note, data.closes, data.id)
    async with database.transaction() as session:
        ticket = await reply_to_ticket(session, reply, thread_terms(settings), clock.now())
        entries = await entries_of(session, ticket_id)
    return _detail(ticket, entries)


@post("/admin/ops/tickets/{ticket_id:uuid}/close", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def close_support_ticket(
    ticket_id: FromPath[UUID],
    data: JSONBody[CloseTicket],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> TicketDetail:
    """Close a ticket. Closed twice answers the same."""
    async with database.transaction() as session:
        ticket = await close_ticket(session, ticket_id, operator, data.note, clock.now())
        entries = await entries_of(session, ticket_id)
    return _detail(ticket, entries)


def thread_terms(settings: Settings) -> ThreadTerms:
    if settings.ticket_key is None:
        raise TicketSigningOff("set TICKET_TOKEN_SECRET")
    return ThreadTerms(settings.ticket_key, settings.support_address, settings.mail_domain)


def _detail(ticket: Ticket, entries: Sequence[TicketEntry]) -> TicketDetail:
    row = TicketRow.model_validate(ticket).model_dump()
    return TicketDetail(**row, entries=[EntryRow.model_validate(entry) for entry in entries])


ROUTES = (list_support_tickets, open_ticket, get_ticket, reply_by_mail, close_support_ticket)
