"""What the exception queue tells the pages that span all services."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Bar, Card, Chart, Figure, Finder, Hit, Waiting, once
from chassis.console.wording import counted, words
from contracts.identity import Capability
from services.routing.domain.waiting import WaitKind, kind_of
from services.routing.pages import exceptions
from services.routing.pages.exceptions import QUEUE
from services.routing.pages.telling import EXCEPTIONS, lead_title, uuid_of
from services.routing.queries import exceptions as exception_queries

READ = Capability.READ_OPS
DAY = timedelta(days=1)


async def _find_exceptions(session: AsyncSession, text: str) -> list[Hit]:
    if (wanted := uuid_of(text)) is None:
        return []
    return [
        Hit(lead_title(lead), f"{words(item.reason)}, {_standing(item.is_open)}", f"{EXCEPTIONS}/{item.id}")
        for item, lead in await exception_queries.named(session, wanted)
    ]


def _standing(is_open: bool) -> str:
    return "waits for an operator" if is_open else "resolved"


def _telling(kind: WaitKind) -> Callable[[int], str]:
    what = "as expected" if kind is WaitKind.EXPECTED else "for an operator"
    return lambda number: f"{counted(number, 'lead waits', 'leads wait')} {what}"


def _counting(kind: WaitKind) -> Callable[[AsyncSession, datetime], Awaitable[Backlog]]:
    async def count(session: AsyncSession, now: datetime) -> Backlog:
        waiting = [
            each for each in await once(session, exception_queries.open_by_reason, now) if kind_of(each.reason) is kind
        ]
        oldest = min((each.since for each in waiting), default=None)
        return Backlog(sum(each.count for each in waiting), oldest)

    return count


async def _read_trend(session: AsyncSession, now: datetime) -> Figure:
    today, yesterday, week = await exception_queries.open_at(session, [now, now - DAY, now - 7 * DAY])
    return Figure(f"{today:,}", f"{yesterday:,} a day ago, {week:,} a week ago; snoozed ones count")


async def _read_reasons(session: AsyncSession, now: datetime) -> list[Bar]:
    waiting = sorted(await once(session, exception_queries.open_by_reason, now), key=lambda each: -each.count)
    return [
        Bar(words(each.reason), each.count, f"{each.count:,}", f"{QUEUE}&reason={each.reason.value}")
        for each in waiting
    ]


FINDERS = (Finder("Exceptions", READ, _find_exceptions),)
WAITING = tuple(
    Waiting(exceptions.ROOM, READ, _telling(kind), f"{QUEUE}&kind={kind}", _counting(kind), limit)
    for kind, limit in ((WaitKind.ALARMING, exceptions.LIMIT), (WaitKind.EXPECTED, exceptions.EXPECTED_LIMIT))
)
CARDS = (Card("In the queue", READ, QUEUE, _read_trend),)
CHARTS = (Chart("Why leads wait", READ, "Open exceptions by reason, now", _read_reasons),)
