"""Tickets: what people ask of operations, answered by mail in one thread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject, System
from chassis.causation import current_cause
from chassis.constraints import flush_or_refuse
from chassis.errors import NotFound
from chassis.ids import new_id
from services.notifications.commands.messages import Draft, queue_messages
from services.notifications.domain.purposes import MailPurpose
from services.notifications.domain.tickets import (
    EntryKind,
    TicketAction,
    TicketState,
    obstacle_to,
    reply_address,
    reply_token,
    thread_header_id,
)
from services.notifications.errors import IdTaken
from services.notifications.models import Message, Ticket, TicketEntry
from services.notifications.queries.tickets import note_beside, request_body


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
    insertion = insert(Ticket).values(_opened(request, now)).on_conflict_do_nothing(index_elements=["id"])
    is_new = await session.scalar(insertion.returning(Ticket.id)) is not None
    ticket = await session.get_one(Ticket, request.id, populate_existing=True)
    if not is_new:
        await _refuse_other_request(session, ticket, request)
        return ticket
    _enter(session, ticket, EntryKind.REQUEST, System(request.requester_name), request.body, now)
    await _audit(session, actor, "create_ticket", ticket, None)
    await session.flush()
    return ticket


async def reply_to_ticket(session: AsyncSession, reply: TicketReply, terms: ThreadTerms, now: datetime) -> Ticket:
    """Queues the mail, keeps it in the ticket, and logs a note beside it. The requester is to answer next."""
    ticket = await _locked(session, reply.ticket_id)
    earlier = await session.get(TicketEntry, reply.id)
    if earlier is not None:
        await _refuse_other_reply(session, earlier, reply)
        return ticket
    ticket.replies += 1
    draft = _draft(ticket, reply, terms)
    await queue_messages(session, [draft], terms.mail_domain, now)
    session.add(_reply_entry(reply, draft.id, now))
    await flush_or_refuse(session, {"pk_ticket_entries": _taken(reply.id)})
    note = reply.note or _note_of(ticket.replies)
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
    if obstacle_to(TicketAction.CLOSE, ticket.state):
        return ticket
    if note:
        _enter(session, ticket, EntryKind.NOTE, author, note, now)
    before = ticket.state
    _move(ticket, TicketState.CLOSED, now)
    await _audit(session, author, "close_ticket", ticket, before)
    await session.flush()
    return ticket


def _opened(request: TicketRequest, now: datetime) -> dict[str, Any]:
    return {
        "id": request.id,
        "subject": request.subject,
        "requester_name": request.requester_name,
        "requester_email": request.requester_email,
        "state": TicketState.OPEN,
        "state_since": now,
        "replies": 0,
        "created_at": now,
        "updated_at": now,
    }


async def _refuse_other_request(session: AsyncSession, ticket: Ticket, request: TicketRequest) -> None:
    """The same request sent twice makes one ticket; another one under its id is a mistake to be told."""
    known = (ticket.subject, ticket.requester_name, ticket.requester_email, await request_body(session, ticket.id))
    if known != (request.subject, request.requester_name, request.requester_email, request.body):
        raise IdTaken("the id belongs to another ticket", id=request.id)


async def _refuse_other_reply(session: AsyncSession, earlier: TicketEntry, reply: TicketReply) -> None:
    if (earlier.ticket_id, earlier.kind, earlier.body) != (reply.ticket_id, EntryKind.REPLY, reply.body):
        raise _taken(reply.id)
    message = await session.get_one(Message, earlier.message_id)
    note = await note_beside(session, message.id)
    # An earlier release did not keep whether a reply was to close its ticket.
    closes = reply.closes if earlier.closes is None else earlier.closes
    if (reply.note or _note_of(message.send_no), reply.closes) != (note, closes):
        raise _taken(reply.id)


def _taken(entry_id: UUID) -> IdTaken:
    return IdTaken("the id belongs to an entry of another content", id=entry_id)


def _note_of(send_no: int) -> str:
    return f"Reply {send_no} queued to the requester."


def _draft(ticket: Ticket, reply: TicketReply, terms: ThreadTerms) -> Draft:
    token = reply_token(ticket.id, terms.key)
    return Draft(
        purpose=MailPurpose.TICKET_REPLY,
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
    message_id: UUID | None = None,
) -> None:
    session.add(
        TicketEntry(
            id=new_id(),
            ticket_id=ticket.id,
            kind=kind,
            author_id=author.id,
            author_name=author.name,
            body=body,
            message_id=message_id,
            created_at=now,
        )
    )


def _reply_entry(reply: TicketReply, message_id: UUID, now: datetime) -> TicketEntry:
    return TicketEntry(
        id=reply.id,
        ticket_id=reply.ticket_id,
        kind=EntryKind.REPLY,
        author_id=reply.author.id,
        author_name=reply.author.name,
        body=reply.body,
        message_id=message_id,
        closes=reply.closes,
        created_at=now,
    )


async def _audit(
    session: AsyncSession, actor: Actor, action: str, ticket: Ticket, state_before: TicketState | None
) -> None:
    before = {"state": state_before} if state_before else None
    after = {"state": ticket.state, "replies": ticket.replies}
    subject = Subject("ticket", ticket.id)
    await audit.record(session, actor=actor, action=action, subject=subject, before=before, after=after)


def _move(ticket: Ticket, state: TicketState, now: datetime) -> None:
    ticket.updated_at = now
    if ticket.state is not state:
        ticket.state, ticket.state_since = state, now


async def _locked(session: AsyncSession, ticket_id: UUID) -> Ticket:
    return NotFound.unless(
        await session.get(Ticket, ticket_id, with_for_update=True, populate_existing=True),
        "no such ticket",
        ticket_id=ticket_id,
    )
