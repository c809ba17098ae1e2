"""Tickets: what people ask of operations, answered by mail in one thread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject, System
from chassis.causation import current_cause
from chassis.errors import NotFound
from chassis.ids import new_id
from contracts.values import MessagePurpose
from services.notifications.commands.messages import Draft, queue_messages
from services.notifications.domain.tickets import EntryKind, TicketState, reply_address, reply_token, thread_header_id
from services.notifications.errors import IdTaken
from services.notifications.models import Ticket, TicketEntry


@dataclass(frozen=True, slots=True)
class TicketRequest:
    """`id` may be the caller's own, so that asking twice makes one ticket."""

    subject: str
    requester_name: str
    requester_email: str
    body: str
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class TicketReply:
    """`id` may be the caller's own, so that replying twice sends one mail. `note` is for operators alone."""

    ticket_id: UUID
    body: str
    author: Actor
    note: str | None = None
    closes: bool = False
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class ThreadTerms:
    """How replies are addressed and signed."""

    key: bytes
    support_address: str
    mail_domain: str


async def create_ticket(session: AsyncSession, request: TicketRequest, actor: Actor, now: datetime) -> Ticket:
    existing = await session.get(Ticket, request.id)
    if existing is not None:
        return _same(existing, request)
    ticket = Ticket(
        id=request.id,
        subject=request.subject,
        requester_name=request.requester_name,
        requester_email=request.requester_email,
        state=TicketState.OPEN,
        state_since=now,
        replies=0,
        created_at=now,
        updated_at=now,
    )
    session.add(ticket)
    await session.flush()
    _enter(session, ticket, EntryKind.REQUEST, System(request.requester_name), request.body, now)
    await _audit(session, actor, "create_ticket", ticket, None)
    await session.flush()
    return ticket


async def reply_to_ticket(session: AsyncSession, reply: TicketReply, terms: ThreadTerms, now: datetime) -> Ticket:
    """Queues the mail, keeps it in the ticket, and logs a note beside it. The requester is to answer next."""
    ticket = await _locked(session, reply.ticket_id)
    earlier = await session.get(TicketEntry, reply.id)
    if earlier is not None:
        return _already_replied(ticket, earlier)
    ticket.replies += 1
    draft = _draft(ticket, reply, terms)
    await queue_messages(session, [draft], terms.mail_domain, now)
    _enter(session, ticket, EntryKind.REPLY, reply.author, reply.body, now, entry_id=reply.id, message_id=draft.id)
    note = reply.note or f"Reply {ticket.replies} queued to the requester."
    _enter(session, ticket, EntryKind.NOTE, reply.author, note, now, message_id=draft.id)
    before = ticket.state
    _move(ticket, TicketState.CLOSED if reply.closes else TicketState.PENDING, now)
    await _audit(session, reply.author, "reply_to_ticket", ticket, before)
    await session.flush()
    return ticket


async def close_ticket(
    session: AsyncSession, ticket_id: UUID, author: Actor, note: str | None, now: datetime
) -> Ticket:
    """Closed already: nothing to do."""
    ticket = await _locked(session, ticket_id)
    if ticket.state == TicketState.CLOSED:
        return ticket
    if note:
        _enter(session, ticket, EntryKind.NOTE, author, note, now)
    before = ticket.state
    _move(ticket, TicketState.CLOSED, now)
    await _audit(session, author, "close_ticket", ticket, before)
    await session.flush()
    return ticket


def _same(ticket: Ticket, request: TicketRequest) -> Ticket:
    if (ticket.subject, ticket.requester_email) != (request.subject, request.requester_email):
        raise IdTaken("the id belongs to another ticket", id=request.id)
    return ticket


def _already_replied(ticket: Ticket, earlier: TicketEntry) -> Ticket:
    if earlier.ticket_id != ticket.id:
        raise IdTaken("the id belongs to an entry of another ticket", id=earlier.id)
    return ticket


def _draft(ticket: Ticket, reply: TicketReply, terms: ThreadTerms) -> Draft:
    token = reply_token(ticket.id, terms.key)
    return Draft(
        purpose=MessagePurpose.TICKET_REPLY,
        subject_kind="ticket",
        subject_id=ticket.id,
        recipient_email=ticket.requester_email,
        recipient_name=ticket.requester_name,
        context={
            "subject": ticket.subject,
            "body": reply.body,
            "author": reply.author.name,
            "ticket_id": str(ticket.id),
        },
        cause=current_cause(),
        send_no=ticket.replies,
        thread_id=ticket.id,
        header_id=thread_header_id(token, ticket.replies, terms.mail_domain),
        extra_headers=_thread_headers(ticket.replies, token, terms),
    )


def _thread_headers(place: int, token: str, terms: ThreadTerms) -> Mapping[str, str]:
    """Each reply refers to the ticket itself and to the reply before it; the answer comes back with the token."""
    before = [thread_header_id(token, earlier, terms.mail_domain) for earlier in sorted({0, place - 1})]
    return {
        "Reply-To": reply_address(terms.support_address, token),
        "In-Reply-To": before[-1],
        "References": " ".join(before),
    }


def _enter(
    session: AsyncSession,
    ticket: Ticket,
    kind: EntryKind,
    author: Actor,
    body: str,
    now: datetime,
    *,
    entry_id: UUID | None = None,
    message_id: UUID | None = None,
) -> None:
    session.add(
        TicketEntry(
            id=entry_id or new_id(),
            ticket_id=ticket.id,
            kind=kind,
            author_id=author.id,
            author_name=author.name,
            body=body,
            message_id=message_id,
            created_at=now,
        )
    )


async def _audit(session: AsyncSession, actor: Actor, action: str, ticket: Ticket, state_before: str | None) -> None:
    before = {"state": state_before} if state_before else None
    after = {"state": ticket.state, "replies": ticket.replies}
    subject = Subject("ticket", ticket.id)
    await audit.record(session, actor=actor, action=action, subject=subject, before=before, after=after)


def _move(ticket: Ticket, state: TicketState, now: datetime) -> None:
    ticket.updated_at = now
    if ticket.state != state:
        ticket.state, ticket.state_since = state, now


async def _locked(session: AsyncSession, ticket_id: UUID) -> Ticket:
    ticket = await session.get(Ticket, ticket_id, with_for_update=True, populate_existing=True)
    if ticket is None:
        raise NotFound("no such ticket", ticket_id=ticket_id)
    return ticket
