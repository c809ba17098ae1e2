"""What mail tells the pages that span all services: what it finds, what waits, and how it stands."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.bulk.failures import failed_rows
from chassis.console.desk import Backlog, Bar, Card, Chart, Desk, Figure, Finder, Hit, Waiting
from chassis.console.wording import DASH, counted, words
from contracts.identity import Capability
from services.notifications.domain.accounts import BOUNCE_WINDOW, day_start
from services.notifications.domain.addresses import address_hash, is_deliverable
from services.notifications.domain.messages import Standing, standing_of
from services.notifications.models import Document, Message, SenderAccount, Suppression, Ticket
from services.notifications.pages import email_health, messages, suppressions, tickets
from services.notifications.pages.about import ABOUT
from services.notifications.pages.searching import bool_of
from services.notifications.pages.subjects import DOORS
from services.notifications.pages.words import SOURCES, TICKET_WORDS, subject_told
from services.notifications.queries import desk as queries
from services.notifications.queries.desk import Part, fortnight
from services.notifications.queries.standings import Piled, undelivered, unknown

READ = Capability.READ_OPS
MOST = 5
ACCOUNTS_LIMIT = timedelta(hours=1)
"""A rest by itself is over by then: an account that is still unwell waits for somebody."""


async def _find_messages(session: AsyncSession, text: str) -> list[Hit]:
    """By what has an index: a whole address, an id, a document's number."""
    query = (
        select(Message, Document.number)
        .outerjoin(Document, Document.id == Message.document_id)
        .where(_named(text))
        .order_by(Message.created_at.desc())
        .limit(MOST)
    )
    return [
        Hit(
            f"{words(message.purpose)} to {message.recipient_email or messages.GONE.lower()}",
            f"{subject_told(message.purpose, message.subject_kind, message.subject_id, number)}, "
            f"{standing_of(message.state, message.reason_code)}",
            f"{messages.PATH}/{message.id}",
        )
        for message, number in (await session.execute(query)).all()
    ]


def _named(text: str) -> ColumnElement[bool]:
    if is_deliverable(text):
        return bool_of(Message.recipient_hash == address_hash(text))
    try:
        return messages.with_id(UUID(text))
    except ValueError:
        return messages.numbered(text)


async def _find_tickets(session: AsyncSession, text: str) -> list[Hit]:
    held = tickets.SEARCH.read({tickets.SEARCH.name: [text]}, ZoneInfo("UTC"))
    if held is None:
        return []
    found = await session.scalars(select(Ticket).where(held.condition).order_by(Ticket.state_since.desc()).limit(MOST))
    return [
        Hit(each.subject, f"{each.requester_name}, {TICKET_WORDS[each.state].lower()}", f"{tickets.PATH}/{each.id}")
        for each in found
    ]


async def _find_accounts(session: AsyncSession, text: str) -> list[Hit]:
    named = SenderAccount.name.icontains(text, autoescape=True)
    sending = SenderAccount.from_address.icontains(text, autoescape=True)
    found = await session.scalars(select(SenderAccount).where(named | sending).order_by(SenderAccount.name).limit(MOST))
    return [
        Hit(each.name, f"{each.from_address}, {words(each.state).lower()}", f"{email_health.PATH}/{each.id}")
        for each in found
    ]


async def _find_suppressions(session: AsyncSession, text: str) -> list[Hit]:
    """By the whole address alone: the list has nothing else of it."""
    if not is_deliverable(text):
        return []
    query = select(Suppression).where(Suppression.address_hash == address_hash(text))
    found = await session.scalars(query.order_by(Suppression.created_at.desc()).limit(MOST))
    return [Hit(text, SOURCES[each.source], f"{suppressions.PATH}/{each.id}") for each in found]


def _backlog(piled: Piled) -> Backlog:
    return Backlog(piled.number, piled.oldest)


async def _count_undelivered(session: AsyncSession, _now: datetime) -> Backlog:
    return _backlog(await undelivered(session))


async def _count_unknown(session: AsyncSession, _now: datetime) -> Backlog:
    return _backlog(await unknown(session))


async def _count_tickets(session: AsyncSession, _now: datetime) -> Backlog:
    return _backlog(await queries.open_tickets(session))


class _Standing:
    """The figures that depend on where business is done."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    async def count_accounts(self, session: AsyncSession, now: datetime) -> Backlog:
        unwell = await queries.unwell_accounts(session, now, self._zone)
        return Backlog(len(unwell), min((each.since for each in unwell), default=None))

    async def read_accepted(self, session: AsyncSession, now: datetime) -> Figure:
        part = await queries.accepted_since(session, day_start(now, self._zone))
        return Figure(_told(part), f"{part.number:,} of {part.whole:,} that were settled")

    async def read_bounced(self, session: AsyncSession, now: datetime) -> Figure:
        part = await queries.bounces_between(session, now - BOUNCE_WINDOW, now)
        before = await queries.bounces_between(session, now - 2 * BOUNCE_WINDOW, now - BOUNCE_WINDOW)
        return Figure(_told(part), f"{part.number:,} of {part.whole:,}; {_told(before)} the 24 hours before")

    async def read_outcomes(self, session: AsyncSession, now: datetime) -> Sequence[Bar]:
        since, earlier = fortnight(day_start(now, self._zone))
        found = await queries.outcomes_between(session, since, now + timedelta(microseconds=1))
        before = await queries.outcomes_between(session, earlier, since)
        return [
            Bar(
                words(each),
                found.get(each, 0),
                f"{found.get(each, 0):,}",
                f"{messages.PATH}?state={each}&queued_from={since.date().isoformat()}",
                before.get(each, 0),
                f"{before.get(each, 0):,}",
            )
            for each in Standing
            if each in found or each in before
        ]


def _told(part: Part) -> str:
    return DASH if part.share is None else f"{part.share * 100:.1f} %"


def _waiting(standing: _Standing) -> Sequence[Waiting]:
    return (
        Waiting(
            messages.ROOM,
            READ,
            lambda number: f"{counted(number, 'message was', 'messages were')} not delivered",
            f"{messages.PATH}?attention=undelivered",
            _count_undelivered,
            is_alarming=True,
        ),
        Waiting(
            messages.ROOM,
            READ,
            lambda number: f"{counted(number, 'message', 'messages')} may have arrived, nobody knows",
            f"{messages.PATH}?attention=unknown",
            _count_unknown,
            is_alarming=True,
        ),
        Waiting(
            tickets.ROOM,
            READ,
            lambda number: f"{counted(number, 'ticket waits', 'tickets wait')} for our answer",
            tickets.QUEUE,
            _count_tickets,
            tickets.LIMIT,
        ),
        Waiting(
            email_health.ROOM,
            READ,
            lambda number: f"{counted(number, 'sender account is', 'sender accounts are')} not well",
            email_health.PATH,
            standing.count_accounts,
            ACCOUNTS_LIMIT,
        ),
        failed_rows("notifications"),
    )


def desk_of(zone: ZoneInfo) -> Desk:
    standing = _Standing(zone)
    return Desk(
        about=ABOUT,
        doors=DOORS,
        finders=(
            Finder("Messages", READ, _find_messages),
            Finder("Tickets", READ, _find_tickets),
            Finder("Sender accounts", READ, _find_accounts),
            Finder("Suppressions", READ, _find_suppressions),
        ),
        waiting=_waiting(standing),
        cards=(
            Card("Mail accepted today", READ, f"{messages.PATH}?state=accepted", standing.read_accepted),
            Card("Mail bounced in 24 hours", READ, email_health.PATH, standing.read_bounced),
        ),
        charts=(
            Chart(
                "Mail by outcome",
                READ,
                "What was queued in the last 14 days, by what became of it; grey is the 14 days before",
                standing.read_outcomes,
            ),
        ),
    )
