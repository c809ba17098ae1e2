"""Tickets: the list of what people asked, who is to answer next, and the form for a new one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import JSONBody
from litestar.response import Redirect
from pydantic import Field
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.console import Console, Form, form_at, page_at
from chassis.console.actions import Action, refused
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField
from chassis.console.listing import Choice, Column, Days, Empty, Listing, Search, Tab, among, late_after, routes_of
from chassis.console.wording import counted
from chassis.database import Database
from chassis.http import Given, Operator
from chassis.ids import new_id
from contracts.identity import Capability
from services.notifications.commands.tickets import close_ticket
from services.notifications.domain.purposes import MailPurpose
from services.notifications.domain.tickets import EntryKind, TicketAction, TicketState, obstacle_to
from services.notifications.http.tickets import CloseTicket, NewTicket, open_ticket
from services.notifications.models import Message, Ticket, TicketEntry
from services.notifications.pages.words import STANDING_TONES, TICKET_TONES, TICKET_WORDS
from services.notifications.queries.standings import STANDING

ROOM = "tickets"
PATH = "/console/tickets"
QUEUE = f"{PATH}?state=open&sort=since"
LIMIT = timedelta(hours=4)
"""Somebody who waits longer than this for an answer waits too long."""
WRITE = Capability.WRITE_ROUTING


class NewTicketForm(NewTicket, Form):
    """As the JSON route takes it; `id` is the page's, so that sent twice it makes one ticket."""

    id: UUID = Field()


class CloseTicketForm(CloseTicket, Form):
    """As the JSON route takes it."""


_SAID = (
    select(TicketEntry)
    .where(TicketEntry.ticket_id == Ticket.id, TicketEntry.kind != EntryKind.NOTE)
    .order_by(TicketEntry.created_at.desc(), TicketEntry.id.desc())
    .limit(1)
)
_MAILED = (
    select(STANDING)
    .where(Message.subject_id == Ticket.id, Message.purpose == MailPurpose.TICKET_REPLY)
    .order_by(Message.created_at.desc(), Message.id.desc())
    .limit(1)
)


def _says_state(row: Row[Any]) -> str:
    return TICKET_WORDS[row.state]


def _says_last(row: Row[Any]) -> str:
    return f"{row.last} asked" if row.last_kind == EntryKind.REQUEST else f"{row.last} replied"


async def _look_close(session: AsyncSession, ids: Sequence[UUID], _now: datetime) -> dict[UUID, Verdict]:
    rows = await session.execute(select(Ticket.id, Ticket.subject, Ticket.state).where(Ticket.id.in_(ids)))
    return {row.id: Verdict(row.subject, obstacle_to(TicketAction.CLOSE, row.state) or "") for row in rows}


async def _close(work: Work) -> None:
    assert isinstance(work.form, CloseTicketForm)  # noqa: S101  # the action's own form
    async with work.transaction() as session:
        await close_ticket(session, work.id, work.actor, work.form.note, work.clock.now())


NOTE = FormField("note", "Note", FieldKind.PROSE, hint="For operators alone", longest=4000)

SEARCH = Search(
    "q",
    "Subject, name, e-mail or id",
    texts=(Ticket.subject, Ticket.requester_name, Ticket.requester_email),
    ids=(Ticket.id,),
)

LISTING = Listing(
    name=ROOM,
    title="Tickets",
    noun=("ticket", "tickets"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select().select_from(Ticket),
    key=Ticket.id,
    order="-since",
    columns=(
        Column("subject", "Subject", Ticket.subject),
        Column("requester", "Who", Ticket.requester_name),
        Column("state", "State", Ticket.state, Kind.CHIP, say=_says_state, tone=TICKET_TONES),
        Column(
            "since",
            "Since",
            Ticket.state_since,
            Kind.AGO,
            sorts=True,
            is_late=late_after(LIMIT, "since", unless=lambda row: row.state != TicketState.OPEN),
        ),
        Column(
            "last", "Last message", _SAID.with_only_columns(TicketEntry.author_name).scalar_subquery(), say=_says_last
        ),
        Column("mail", "Last reply", _MAILED.scalar_subquery(), Kind.CHIP, tone=STANDING_TONES),
        Column("replies", "Replies", Ticket.replies, Kind.NUMBER, is_extra=True),
        Column("created", "Opened", Ticket.created_at, Kind.AGO, sorts=True, is_extra=True),
        Column("email", "E-mail", Ticket.requester_email, is_extra=True),
        Column("updated", "Last changed", Ticket.updated_at, Kind.INSTANT, is_extra=True),
        Column("ticket_id", "Ticket id", Ticket.id, Kind.ID, is_extra=True),
    ),
    also={"last_kind": _SAID.with_only_columns(TicketEntry.kind).scalar_subquery()},
    filters=(
        SEARCH,
        Choice("state", "State", options=among(Ticket.state, TicketState, TICKET_WORDS)),
        Days("opened", "Opened", column=Ticket.created_at),
    ),
    tabs=(
        Tab("Open", "state=open&sort=since"),
        Tab("Waits for them", "state=pending&sort=since"),
        Tab("Closed", "state=closed"),
        Tab("All"),
    ),
    bulk=(
        BulkAction(
            name="close",
            label="Close",
            capability=WRITE,
            look=_look_close,
            do=_close,
            form=CloseTicketForm,
            fields=(NOTE,),
            effect=lambda number: (
                f"Closes {counted(number, 'ticket', 'tickets')}. Nobody is told by mail; a reply takes each up again."
            ),
        ),
    ),
    links=(("New ticket", f"{PATH}/new", WRITE),),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty("No tickets", "Open one for what somebody asks by telephone or mail.", "ticket"),
    holds_personal_data=True,
)


@page_at(f"{PATH}/new", WRITE)
async def show_new_ticket(
    request: Request[Any, Any, Any], console: Given[Console], operator: Given[Operator]
) -> Response[str]:
    action = Action(
        "open",
        "Open ticket",
        f"{PATH}/new",
        effect="Keeps what somebody asked. Nothing is mailed before you reply.",
        hidden={"id": str(new_id())},
        fields=(
            FormField("subject", "Subject", is_required=True),
            FormField("requester_name", "Name", is_required=True),
            FormField("requester_email", "E-mail", FieldKind.EMAIL, is_required=True, longest=254),
            FormField("body", "What they ask", FieldKind.PROSE, is_required=True, longest=4000),
        ),
        **refused(operator, WRITE),
    )
    context = {"title": "New ticket", "up": ("Tickets", QUEUE), "action": action}
    return console.page(request, "new.html", context, room=ROOM)


@form_at(f"{PATH}/new", WRITE)
async def open_by_form(
    data: JSONBody[NewTicketForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    asked = NewTicket(**data.model_dump(include=set(NewTicket.model_fields)))
    ticket = await open_ticket.fn(asked, database, clock, operator)
    return console.redirect(f"{PATH}/{ticket.id}")


ROUTES = (*routes_of(LISTING), show_new_ticket, open_by_form)
