"""Messages: the list of what was mailed to whom, what became of it, and what has to be looked after."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Form
from chassis.console.bulk import BulkAction, Verdict, Work
from chassis.console.cells import Kind
from chassis.console.fields import FieldKind, FormField
from chassis.console.listing import (
    Choice,
    Column,
    Days,
    Empty,
    Exact,
    Listing,
    Option,
    Tab,
    among,
    late_after,
    routes_of,
)
from chassis.console.wording import counted, words
from contracts.identity import Capability
from services.notifications.commands.messages import retry_message
from services.notifications.domain.messages import Standing, obstacle_to_retry
from services.notifications.domain.purposes import MailPurpose
from services.notifications.http.messages import RetryMessage
from services.notifications.models import Document, Message, SenderAccount
from services.notifications.pages.searching import MailSearch
from services.notifications.pages.words import STANDING_TONES, reason_told, subject_told
from services.notifications.queries.messages import IS_CORRECTION
from services.notifications.queries.standings import IN_STANDING, IS_UNDELIVERED, IS_UNKNOWN, STANDING
from services.notifications.queries.suppressions import suppressed_hashes

ROOM = "messages"
PATH = "/console/messages"
BOUNCE = f"{PATH}/bounce"
QUEUE = f"{PATH}?attention=undelivered&attention=unknown"
LIMIT = timedelta(minutes=15)
"""What has not gone out by then is late: a lead is worth less with every minute."""
WRITE = Capability.WRITE_ROUTING
GONE = "Erased"


class RetryForm(RetryMessage, Form):
    """As the JSON route takes it."""


def with_id(id_: UUID) -> ColumnElement[bool]:
    """Of the message, of what it is about, of the lead that it delivers or corrects, or of whose assignment it is."""
    is_of_lead = Message.context["lead_id"].astext == str(id_)
    is_of_assignment = Message.context["assignment_id"].astext == str(id_)
    return or_(
        Message.id == id_,
        Message.subject_id == id_,
        (Message.purpose == MailPurpose.LEAD_DELIVERY) & is_of_lead,
        IS_CORRECTION & is_of_lead,
        IS_CORRECTION & is_of_assignment,
    )


def numbered(text: str) -> ColumnElement[bool]:
    """About the invoice of a document's number."""
    return Message.subject_id.in_(select(Document.invoice_id).where(Document.number == text.upper()))


def _by_part(text: str) -> ColumnElement[bool]:
    return or_(
        numbered(text),
        Message.recipient_email.icontains(text, autoescape=True),
        Message.recipient_name.icontains(text, autoescape=True),
    )


async def _account_name(session: AsyncSession, account_id: UUID) -> str | None:
    found: str | None = await session.scalar(select(SenderAccount.name).where(SenderAccount.id == account_id))
    return found


async def _look_retry(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> dict[UUID, Verdict]:
    messages = list(await session.scalars(select(Message).where(Message.id.in_(ids))))
    suppressed = await suppressed_hashes(session, [message.recipient_hash for message in messages], now)
    return {
        message.id: Verdict(
            f"{words(message.purpose)} to {message.recipient_email or GONE.lower()}",
            obstacle_to_retry(message.settled(is_suppressed=message.recipient_hash in suppressed)) or "",
        )
        for message in messages
    }


async def _retry(work: Work) -> None:
    assert isinstance(work.form, RetryForm)  # noqa: S101  # the action's own form
    async with work.transaction() as session:
        await retry_message(
            session, work.id, work.actor, work.form.reason, override_suppression=False, now=work.clock.now()
        )


def _says_about(row: Row[Any]) -> str:
    return subject_told(row.purpose, row.subject_kind, row.subject_id, row.number)


def _about_path(row: Row[Any]) -> str:
    """Here where it is a page of this service; the document leads to the other services' pages."""
    return f"/console/tickets/{row.subject_id}" if row.subject_kind == "ticket" else ""


_IS_LATE = late_after(LIMIT, "created", unless=lambda row: not row.is_waiting)


REASON = FormField("reason", "Reason", FieldKind.PROSE, is_required=True, hint="Stands in the timeline", longest=500)

LISTING = Listing(
    name=ROOM,
    title="Messages",
    noun=("message", "messages"),
    path=PATH,
    capability=Capability.READ_OPS,
    rows=select()
    .select_from(Message)
    .outerjoin(Document, Document.id == Message.document_id)
    .outerjoin(SenderAccount, SenderAccount.id == Message.sender_account_id),
    key=Message.id,
    order="-created",
    columns=(
        Column("to", "To", func.coalesce(Message.recipient_email, GONE)),
        Column("purpose", "Mail", Message.purpose, Kind.WORD),
        Column(
            "about",
            "About",
            func.concat_ws(" ", Message.subject_kind, Document.number),
            say=_says_about,
            path=_about_path,
        ),
        Column("state", "State", STANDING, Kind.CHIP, tone=STANDING_TONES),
        Column("reason", "Why", Message.reason_code, say=lambda row: reason_told(row.reason), wraps=True),
        Column("since", "Since", Message.state_since, Kind.AGO, is_late=_IS_LATE),
        Column("attempts", "Tries", Message.attempts, Kind.NUMBER),
        Column("created", "Queued", Message.created_at, Kind.AGO, sorts=True, is_extra=True),
        Column("account", "Account", SenderAccount.name),
        Column("name", "Name", Message.recipient_name, is_extra=True),
        Column("smtp", "SMTP status", Message.smtp_status, Kind.NUMBER, is_extra=True),
        Column("enhanced", "Enhanced status", Message.enhanced_status, is_extra=True),
        Column("next", "Next try", Message.next_attempt_at, Kind.INSTANT, is_extra=True),
        Column("accepted", "Accepted", Message.accepted_at, Kind.INSTANT, is_extra=True),
        Column("bounced", "Came back", Message.bounced_at, Kind.INSTANT, is_extra=True),
        Column("bounce_status", "Status it came back with", Message.bounce_status, is_extra=True),
        Column("subject_id", "Id of what it is about", Message.subject_id, Kind.ID, is_extra=True),
        Column("message_id", "Message id", Message.id, Kind.ID, is_extra=True),
    ),
    also={
        "subject_kind": Message.subject_kind,
        "number": Document.number,
        "is_waiting": Message.state.in_(["queued", "sending", "deferred"]),
    },
    filters=(
        MailSearch("q", "Address, invoice number or id", Message.recipient_hash, with_id, _by_part),
        Choice(
            "attention",
            "Needs a look",
            options=(
                Option("undelivered", "Not delivered", IS_UNDELIVERED),
                Option("unknown", "Outcome unknown", IS_UNKNOWN),
            ),
        ),
        Choice("state", "State", options=[Option(each, words(each), IN_STANDING[each]) for each in Standing]),
        Choice("purpose", "Mail", options=among(Message.purpose, MailPurpose)),
        Days("queued", "Queued", column=Message.created_at),
        Exact("account", "Account", column=Message.sender_account_id, name_of=_account_name),
    ),
    tabs=(
        Tab("Needs a look", "attention=undelivered&attention=unknown"),
        Tab("On its way", "state=queued&state=sending&state=deferred&state=unknown"),
        Tab("Accepted", "state=accepted"),
        Tab("All"),
    ),
    bulk=(
        BulkAction(
            name="retry",
            label="Send again",
            capability=WRITE,
            look=_look_retry,
            do=_retry,
            form=RetryForm,
            fields=(REASON,),
            effect=lambda number: (
                f"Queues {counted(number, 'message', 'messages')} again, each as the same mail with its tries anew. "
                "Addresses on the suppression list are left out."
            ),
        ),
    ),
    links=(("Put in a returned mail", BOUNCE, WRITE),),
    document=lambda row: f"{PATH}/{row.id}",
    empty=Empty(
        "No mail yet", "A lead, an invoice, a payout or a reply to a ticket puts its mail here by itself.", "mail"
    ),
    holds_personal_data=True,
)

ROUTES = routes_of(LISTING)
