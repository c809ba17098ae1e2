"""What the exception queue tells the pages that span all services."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Bar, Chart, Finder, Hit, Waiting
from chassis.console.wording import counted, words
from contracts.identity import Capability
from services.routing.pages import exceptions
from services.routing.pages.exceptions import QUEUE
from services.routing.pages.telling import EXCEPTIONS, lead_title, uuid_of
from services.routing.queries import exceptions as exception_queries

READ = Capability.READ_OPS


async def _find_exceptions(session: AsyncSession, text: str) -> list[Hit]:
    if (wanted := uuid_of(text)) is None:
        return []
    return [
        Hit(lead_title(lead), f"{words(item.reason)}, {_standing(item.is_open)}", f"{EXCEPTIONS}/{item.id}")
        for item, lead in await exception_queries.named(session, wanted)
    ]


def _standing(is_open: bool) -> str:
    return "waits for an operator" if is_open else "resolved"


def _leads_wait(number: int) -> str:
    return f"{counted(number, 'lead waits', 'leads wait')} for an operator"


async def _count_exceptions(session: AsyncSession, _now: datetime) -> Backlog:
    waiting = await exception_queries.open_by_reason(session)
    oldest = min((each.oldest_raised_at for each in waiting), default=None)
    return Backlog(sum(each.count for each in waiting), oldest)


async def _read_reasons(session: AsyncSession, _now: datetime) -> list[Bar]:
    waiting = sorted(await exception_queries.open_by_reason(session), key=lambda each: -each.count)
    return [
        Bar(words(each.reason), each.count, f"{each.count:,}", f"{QUEUE}&reason={each.reason.value}")
        for each in waiting
    ]


FINDERS = (Finder("Exceptions", READ, _find_exceptions),)
WAITING = (Waiting(exceptions.ROOM, READ, _leads_wait, QUEUE, _count_exceptions, exceptions.LIMIT),)
CHARTS = (Chart("Why leads wait", READ, "Open exceptions by reason, now", _read_reasons),)
