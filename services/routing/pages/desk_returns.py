"""What returns tell the pages that span all services: what waits, how many leads come back, and why."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import MOST_HITS, Backlog, Bar, Card, Chart, Figure, Finder, Hit, Waiting
from chassis.console.wording import DASH, counted, words
from contracts.identity import Capability
from services.routing.pages import returns
from services.routing.pages.return_words import STATES
from services.routing.pages.telling import RETURNS, lead_title, uuid_of
from services.routing.queries import figures
from services.routing.queries import returns as queries

READ = Capability.READ_OPS
RECENTLY = f"{RETURNS}?recent=true"


async def _find_returns(session: AsyncSession, text: str) -> list[Hit]:
    if (wanted := uuid_of(text)) is None:
        return []
    return [
        Hit(f"{lead_title(lead)} from {installer}", STATES[asked.state], f"{RETURNS}/{asked.id}")
        for asked, lead, installer in await queries.named(session, wanted, MOST_HITS)
    ]


def _wait(number: int) -> str:
    return f"{counted(number, 'return waits', 'returns wait')} to be decided"


async def _count_waiting(session: AsyncSession, now: datetime) -> Backlog:
    number, oldest = await queries.waiting(session)
    return Backlog(number, oldest, is_late=await queries.overdue(session, now) > 0)


async def _read_rate(session: AsyncSession, now: datetime) -> Figure:
    since = now - returns.RECENT
    here = await figures.returned(session, since, now)
    before = await figures.returned(session, since - returns.RECENT, since)
    if here.share is None:
        return Figure(DASH, "Nothing was delivered in 30 days")
    trend = f"{here.returned:,} of {here.delivered:,} delivered in 30 days"
    earlier = "" if before.share is None else f"; {before.share * 100:.1f} % in the 30 before"
    return Figure(f"{here.share * 100:.1f} %", trend + earlier)


async def _read_codes(session: AsyncSession, now: datetime) -> list[Bar]:
    return [
        Bar(words(code), number, f"{number:,}", f"{RECENTLY}&code={code.value}")
        for code, number in await figures.returns_by_code(session, now - returns.RECENT)
    ]


FINDERS = (Finder("Returns", READ, _find_returns),)
WAITING = (Waiting(returns.ROOM, READ, _wait, returns.QUEUE, _count_waiting),)
CARDS = (Card("Return rate", READ, f"{RECENTLY}&state=accepted", _read_rate),)
CHARTS = (Chart("Why leads come back", READ, "Returns asked for in the last 30 days, by reason", _read_codes),)
