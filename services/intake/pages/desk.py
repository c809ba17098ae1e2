"""What intake tells the pages that span all services: what it finds, what waits, and how the leads come in."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.bulk.failures import failed_rows
from chassis.console.desk import Backlog, Bar, Card, Chart, Desk, Figure, Waiting
from chassis.console.fields import start_of
from chassis.console.wording import counted, span
from contracts.identity import Capability
from services.intake import queries
from services.intake.domain import STAGE_LIMITS, UNOWNED_LIMIT, LeadStatus
from services.intake.pages import boards, duplicates, follow_ups, lead_attention, leads
from services.intake.pages.finders import FINDERS
from services.intake.pages.subjects import DOORS

READ = Capability.READ_OPS
DAYS = 14
WEEK = timedelta(days=7)
UNDER_WAY = (LeadStatus.RECEIVED, LeadStatus.ROUTABLE, LeadStatus.DISPATCHING)
MOST_SOURCES = 12


def desk_of(zone: ZoneInfo) -> Desk:
    """Days are those of `zone`."""
    return Desk(
        finders=FINDERS,
        doors=DOORS,
        waiting=WAITING,
        cards=(
            Card("Leads received today", READ, f"{leads.PATH}", _received_today(zone)),
            Card("Placed or on their way, 7 days", READ, f"{leads.PATH}?{leads.IN_DISPATCH}", _share_placed),
            Card("First contact attempt, 7 days", READ, f"{follow_ups.PATH}?state=done", _first_contact),
        ),
        charts=(
            Chart("Leads a day", READ, f"The last {DAYS} days; in grey the same day a week before", _by_day(zone)),
            Chart("Leads by source", READ, f"The last {DAYS} days; in grey the {DAYS} before", _by_source(zone)),
        ),
    )


# --- what waits ------------------------------------------------------------------------------------------------------
# What is in the exception queue is routing's to count: there it is worked off.


async def _count_doubled(session: AsyncSession, _now: datetime) -> Backlog:
    """Pairs: they are what is looked at, and decided."""
    return Backlog(*await queries.held_pairs(session))


async def _count_to_review(session: AsyncSession, _now: datetime) -> Backlog:
    return Backlog(*await duplicates.count_to_review(session))


async def _count_stuck(session: AsyncSession, now: datetime) -> Backlog:
    return Backlog(*await queries.late_leads(session, UNDER_WAY, now))


async def _count_critical(session: AsyncSession, _now: datetime) -> Backlog:
    return Backlog(*await queries.critical_leads(session))


async def _count_open_boards(session: AsyncSession, _now: datetime) -> Backlog:
    return Backlog(*await queries.waiting_boards(session))


async def _count_due(session: AsyncSession, now: datetime) -> Backlog:
    return Backlog(*await queries.overdue_follow_ups(session, now))


async def _count_nobodys(session: AsyncSession, now: datetime) -> Backlog:
    return Backlog(*await queries.overdue_follow_ups(session, now - UNOWNED_LIMIT, is_unowned=True))


def _say_due(number: int) -> str:
    return f"{counted(number, 'follow-up is', 'follow-ups are')} overdue"


def _say_nobodys(number: int) -> str:
    return f"{counted(number, 'follow-up is', 'follow-ups are')} nobody's, and overdue by an hour or more"


def _say_doubled(number: int) -> str:
    return f"{counted(number, 'pair holds', 'pairs hold')} a lead back until somebody says whether the two are one"


def _say_to_review(number: int) -> str:
    return f"{counted(number, 'pair is', 'pairs are')} to be looked at: the two may be one, and both go on"


def _say_stuck(number: int) -> str:
    return f"{counted(number, 'lead is', 'leads are')} later in dispatch than they may be"


def _say_critical(number: int) -> str:
    return f"{counted(number, 'lead is', 'leads are')} critical by an escalation policy, until somebody sees to it"


def _say_open(number: int) -> str:
    return f"{counted(number, 'board is', 'boards are')} open, to be closed once the work is done"


WAITING = (
    Waiting(
        duplicates.ROOM,
        READ,
        _say_doubled,
        f"{duplicates.PATH}?{duplicates.HELD}",
        _count_doubled,
        STAGE_LIMITS[LeadStatus.DUPLICATE_REVIEW],
    ),
    Waiting(duplicates.ROOM, READ, _say_to_review, f"{duplicates.PATH}?{duplicates.TO_REVIEW}", _count_to_review),
    Waiting(leads.ROOM, READ, _say_stuck, f"{leads.PATH}?{leads.STUCK}", _count_stuck, is_alarming=True),
    Waiting(
        leads.ROOM, READ, _say_critical, f"{leads.PATH}?{lead_attention.CRITICAL}", _count_critical, is_alarming=True
    ),
    Waiting(follow_ups.ROOM, READ, _say_due, f"{follow_ups.PATH}?{follow_ups.OVERDUE}", _count_due, UNOWNED_LIMIT),
    Waiting(
        follow_ups.ROOM,
        READ,
        _say_nobodys,
        f"{follow_ups.PATH}?{follow_ups.NOBODYS}",
        _count_nobodys,
        is_alarming=True,
    ),
    Waiting(boards.ROOM, READ, _say_open, f"{boards.PATH}?{boards.OPEN}", _count_open_boards),
    failed_rows("intake"),
)


# --- how the leads come in -------------------------------------------------------------------------------------------


def _received_today(zone: ZoneInfo) -> Callable[[AsyncSession, datetime], Awaitable[Figure]]:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        first = start_of(_day(now, zone), zone)
        today, _ = await queries.leads_received(session, first, now)
        then, _ = await queries.leads_received(session, start_of(_day(now - WEEK, zone), zone), now - WEEK)
        return Figure(f"{today:,}", f"{_compared(today - then)} a week ago by this time")

    return read


async def _share_placed(session: AsyncSession, now: datetime) -> Figure:
    """In points of a hundred; leads that wait, were rejected, or were closed before anybody had them are not placed."""
    received, placed = await queries.leads_received(session, now - WEEK, now)
    before, placed_before = await queries.leads_received(session, now - 2 * WEEK, now - WEEK)
    if not received:
        return Figure("–", "No lead came in")  # noqa: RUF001  # the dash for nothing
    share = 100 * placed / received
    if not before:
        return Figure(f"{share:.1f} %", f"Of {counted(received, 'lead', 'leads')}")
    points = share - 100 * placed_before / before
    told = f"{abs(points):.1f} points {'more' if points >= 0 else 'less'} than in the 7 days before"
    return Figure(f"{share:.1f} %", f"Of {counted(received, 'lead', 'leads')}, {told}")


async def _first_contact(session: AsyncSession, now: datetime) -> Figure:
    """The median from receipt to the first follow-up that was done, of the leads received in the time."""
    median, contacted, received = await queries.median_first_contact(session, now - WEEK, now)
    told = f"Of {contacted:,} of {counted(received, 'lead', 'leads')}"
    before, _, _ = await queries.median_first_contact(session, now - 2 * WEEK, now - WEEK)
    if median is None:
        return Figure("–", told)  # noqa: RUF001  # the dash for nothing
    return Figure(span(median), f"{told}; {span(before)} in the 7 days before" if before is not None else told)


def _by_day(zone: ZoneInfo) -> Callable[[AsyncSession, datetime], Awaitable[Sequence[Bar]]]:
    async def read(session: AsyncSession, now: datetime) -> list[Bar]:
        today = _day(now, zone)
        shown = [today - timedelta(days=ago) for ago in range(DAYS)]
        first = start_of(shown[-1] - WEEK, zone)
        numbers = await queries.leads_by_day(session, first, now, zone.key)
        return [_bar_of_day(day, numbers.get(day, 0), numbers.get(day - WEEK, 0)) for day in shown]

    return read


def _bar_of_day(day: date, number: int, before: int) -> Bar:
    path = f"{leads.PATH}?received_from={day}&received_to={day}"
    return Bar(f"{day:%a} {day.day} {day:%b}", number, f"{number:,}", path, before, f"{before:,}")


def _by_source(zone: ZoneInfo) -> Callable[[AsyncSession, datetime], Awaitable[Sequence[Bar]]]:
    async def read(session: AsyncSession, now: datetime) -> list[Bar]:
        day = _day(now, zone) - timedelta(days=DAYS - 1)
        middle, first = start_of(day, zone), start_of(day - timedelta(days=DAYS), zone)
        found = await queries.leads_by_source(session, first, middle, now)
        return [
            Bar(
                name,
                number,
                f"{number:,}",
                f"{leads.PATH}?source_id={source_id}&received_from={day}",
                before,
                f"{before:,}",
            )
            for source_id, name, number, before in found[:MOST_SOURCES]
        ]

    return read


def _day(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def _compared(difference: int) -> str:
    if difference == 0:
        return "As many as"
    return f"{abs(difference):,} {'more' if difference > 0 else 'fewer'} than"
