"""What the close of months tells the pages that span all services: what is to be drafted, and to be issued."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Waiting
from chassis.console.wording import counted
from contracts.identity import Capability
from services.billing.domain.periods import Period
from services.billing.pages import invoices
from services.billing.pages.month_page import PATH, ROOM
from services.billing.queries import kpis

READ = Capability.READ_OPS
ISSUED_LIMIT = timedelta(days=7)


def undrafted(zone: ZoneInfo) -> Waiting:
    async def count(session: AsyncSession, now: datetime) -> Backlog:
        last = Period.months_until(now, 2, zone)[1]
        return Backlog(1, last.end) if await kpis.is_undrafted(session, last) else Backlog(0)

    return Waiting(ROOM, READ, lambda _number: "Last month has ended and is not drafted yet", PATH, count, ISSUED_LIMIT)


async def _drafts(session: AsyncSession, now: datetime) -> Backlog:
    found = await kpis.drafts_of_ended_months(session, now)
    return Backlog(found.number, found.oldest)


DRAFTS = Waiting(
    ROOM,
    READ,
    lambda number: f"{counted(number, 'draft', 'drafts')} of ended months to issue",
    invoices.DRAFTS,
    _drafts,
    ISSUED_LIMIT,
)
