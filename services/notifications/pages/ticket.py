"""One ticket: what was said in it, what became of each reply's mail, and the answer to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from markupsafe import Markup
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Document, Done, Fact, Note, Part, show_document
from chassis.console.fields import FieldKind, FormField
from chassis.console.timeline import moments_of, refuse_if_changed, seen_of
from chassis.console.wording import Wording, plain
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from contracts.identity import Capability
from services.notifications.commands.tickets import TicketReply, reply_to_ticket
from services.notifications.domain.addresses import address_hash
from services.notifications.domain.messages import Standing
from services.notifications.domain.tickets import EntryKind, TicketAction, TicketState, obstacle_to
from services.notifications.http.tickets import CloseTicket, Reply, close_support_ticket, thread_terms
from services.notifications.models import Ticket, TicketEntry
from services.notifications.pages.tickets import NOTE, PATH, QUEUE, ROOM, WRITE, CloseTicketForm
from services.notifications.pages.words import STANDING_TONES, TICKET_TONES, TICKET_WORDS, reason_told
from services.notifications.queries.standings import Mailed, mailed
from services.notifications.queries.suppressions import suppression_of
from services.notifications.queries.tickets import entries_of, one_ticket
from services.notifications.settings import Settings

VERBS = {
    "create_ticket": "opened it",
    "reply_to_ticket": "replied",
    "close_ticket": "closed it",
}
NO_KEY = "no key is set to sign the addresses that answers come back to"


class ReplyForm(Reply, Form):
    """As the JSON route takes it; `id` is the page's, so that sent twice it mails once."""

    id: UUID = Field()
    seen: Annotated[UUID | None, Field()] = None


@dataclass(frozen=True, slots=True)
class Said:
    """One entry as the conversation shows it; `mail` is what became of a reply's, and `why`."""

    who: str
    did: str
    entry: TicketEntry
    body: str
    mail: Shown | None
    why: str


@page_at(PATH + "/{ticket_id:uuid}", Capability.READ_OPS)
async def show_ticket(
    ticket_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
    done: Done = None,
) -> Response[str]:
    subject = Subject("ticket", ticket_id)
    async with database.reading() as session:
        ticket = await one_ticket(session, ticket_id)
        entries = await entries_of(session, ticket_id)
        mails = await mailed(session, [entry.message_id for entry in entries if entry.message_id])
        suppression_id = await suppression_of(session, address_hash(ticket.requester_email), clock.now())
        timeline = await moments_of(session, [subject], VERBS, console.wording)
        seen = await seen_of(session, subject)
    can_sign = settings.ticket_key is not None
    actions = [_reply(ticket, operator, seen, can_sign=can_sign), _close(ticket, operator)]
    document = Document(
        title=ticket.subject,
        room=ROOM,
        up=("Tickets", QUEUE),
        states=(chip(TICKET_WORDS[ticket.state], TICKET_TONES.get(ticket.state, "")),),
        sentence=_sentence(ticket, console.wording),
        notes=_notes(suppression_id),
        facts=_facts(ticket),
        actions=actions,
        sections=(Part("Conversation", "conversation.html", {"said": _conversation(entries, mails)}),),
        timeline=timeline,
        links=(("Its mail", f"/console/messages?q={ticket_id}"),),
    )
    return show_document(console, request, document, done)


def _sentence(ticket: Ticket, wording: Wording) -> Markup:
    since = wording.ago(ticket.state_since)
    match ticket.state:
        case TicketState.OPEN:
            exact = wording.exact(ticket.state_since)
            return Markup("{} waits for our answer since {}.").format(ticket.requester_name, exact)
        case TicketState.PENDING:
            return Markup("We replied to {} {}, and wait for them.").format(ticket.requester_name, since)
        case TicketState.CLOSED:
            return Markup("Closed {}. A reply takes it up again.").format(since)


def _notes(suppression_id: UUID | None) -> list[Note]:
    if suppression_id is None:
        return []
    door = ("Look at the suppression", f"/console/suppressions/{suppression_id}")
    return [Note("A reply would not be sent", "The address is on the suppression list.", "warning", (door,))]


def _facts(ticket: Ticket) -> list[Fact]:
    return [
        Fact("Who", ticket.requester_name),
        Fact("E-mail", ticket.requester_email),
        Fact("Opened", Shown(ticket.created_at, Kind.INSTANT)),
        Fact("Replies", Shown(ticket.replies, Kind.NUMBER)),
        Fact("Last changed", Shown(ticket.updated_at, Kind.AGO)),
        Fact("Ticket id", Shown(str(ticket.id), Kind.ID)),
    ]


def _reply(ticket: Ticket, operator: Operator, seen: str, *, can_sign: bool) -> Action:
    why_not = obstacle_to(TicketAction.REPLY, ticket.state) or (None if can_sign else NO_KEY)
    return Action(
        TicketAction.REPLY,
        "Reply",
        f"{PATH}/{ticket.id}/reply",
        effect=f"Mails {ticket.requester_name} at {ticket.requester_email}, in this ticket's thread. "
        "A reply that cannot be delivered opens the ticket again.",
        fields=(
            FormField("body", "Reply", FieldKind.PROSE, is_required=True, longest=4000),
            NOTE,
            FormField("closes", "Close the ticket with it", FieldKind.CHECK),
        ),
        hidden={"id": str(new_id()), "seen": seen},
        done="The reply is on its way",
        is_primary=True,
        **refused(operator, WRITE, why_not),
    )


def _close(ticket: Ticket, operator: Operator) -> Action:
    return Action(
        TicketAction.CLOSE,
        "Close",
        f"{PATH}/{ticket.id}/close",
        effect="Nobody is told by mail. A reply takes it up again.",
        fields=(NOTE,),
        done="Closed",
        **refused(operator, WRITE, obstacle_to(TicketAction.CLOSE, ticket.state)),
    )


def _conversation(entries: Sequence[TicketEntry], mails: Mapping[UUID, Mailed]) -> list[Said]:
    return [_said(entry, mails.get(entry.message_id) if entry.message_id else None) for entry in entries]


def _said(entry: TicketEntry, mail: Mailed | None) -> Said:
    did = {EntryKind.REQUEST: "asked", EntryKind.REPLY: "replied", EntryKind.NOTE: "noted, for operators alone"}
    is_ours = entry.kind is EntryKind.NOTE and entry.author_id is None
    body = plain(entry.body) if is_ours else entry.body
    # The note beside a reply names the same mail: its outcome stands at the reply.
    if mail is None or entry.kind is not EntryKind.REPLY:
        return Said(entry.author_name, did[entry.kind], entry, body, None, "")
    shown = Shown(mail.standing, Kind.CHIP, path=f"/console/messages/{mail.id}", tones=STANDING_TONES)
    why = "" if mail.standing is Standing.ACCEPTED or mail.reason_code is None else reason_told(mail.reason_code)
    return Said(entry.author_name, did[entry.kind], entry, body, shown, why)


@form_at(PATH + "/{ticket_id:uuid}/reply", WRITE)
async def reply_by_form(
    ticket_id: FromPath[UUID],
    data: JSONBody[ReplyForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> Redirect:
    reply = TicketReply(ticket_id, data.body, operator, data.note, data.closes, data.id)
    async with database.transaction() as session:
        await _refuse_if_answered(session, reply, data.seen)
        await reply_to_ticket(session, reply, thread_terms(settings), clock.now())
    return console.redirect(f"{PATH}/{ticket_id}?done={TicketAction.REPLY}")


async def _refuse_if_answered(session: AsyncSession, reply: TicketReply, seen: UUID | None) -> None:
    """A colleague was faster; one's own reply that was sent twice is none of a colleague's."""
    if await session.get(TicketEntry, reply.id) is None:
        await refuse_if_changed(session, Subject("ticket", reply.ticket_id), seen)


@form_at(PATH + "/{ticket_id:uuid}/close", WRITE)
async def close_by_form(
    ticket_id: FromPath[UUID],
    data: JSONBody[CloseTicketForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    await close_support_ticket.fn(ticket_id, CloseTicket(note=data.note), database, clock, operator)
    return console.redirect(f"{PATH}/{ticket_id}?done={TicketAction.CLOSE}")


ROUTES = (show_ticket, reply_by_form, close_by_form)
