"""What deliveries tell the pages that span all services: those without a price, and how many are billable."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Bar, Card, Chart, Figure, Waiting
from chassis.console.wording import counted, words
from contracts.identity import Capability
from services.billing.domain.periods import Period, month_name
from services.billing.pages import figures, held, month_page, unrecorded
from services.billing.pages.doors import DELIVERIES
from services.billing.queries import deliveries, kpis
from services.billing.queries import figures as queries_figures
from services.billing.queries import unrecorded as queries_unrecorded

READ = Capability.READ_OPS
HELD_LIMIT = timedelta(days=1)


async def _held(session: AsyncSession, _now: datetime) -> Backlog:
    queue = await deliveries.held_queue(session)
    return Backlog(queue.count, queue.oldest_at)


HELD = Waiting(
    held.ROOM,
    READ,
    lambda number: f"{counted(number, 'delivery waits', 'deliveries wait')} for a price",
    f"{held.PATH}?state=waits",
    _held,
    HELD_LIMIT,
)


async def _unrecorded(session: AsyncSession, _now: datetime) -> Backlog:
    found = await queries_unrecorded.waiting(session)
    return Backlog(found.count, found.since)


UNRECORDED = Waiting(
    month_page.ROOM,
    READ,
    lambda number: f"{counted(number, 'delivery', 'deliveries')} could not be recorded: no month of theirs can close",
    unrecorded.WAIT,
    _unrecorded,
    is_alarming=True,
)


def cap_used(zone: ZoneInfo) -> Card:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        this, last = Period.months_until(now, 2, zone)
        used, before = await queries_figures.cap_used(session, this), await queries_figures.cap_used(session, last)
        return Figure(f"{used:,}", f"{counted(before, 'delivery', 'deliveries')} in all of {month_name(last.name)}")

    return Card("Counted against caps this month", READ, figures.PATH, read)


def products(zone: ZoneInfo) -> Chart:
    async def read(session: AsyncSession, now: datetime) -> Sequence[Bar]:
        this, last = Period.months_until(now, 2, zone)
        found = await kpis.delivered(session, this, last)
        return [
            Bar(
                words(product),
                here,
                f"{here:,}",
                f"{DELIVERIES}?month={this.name}&product={product}&status=billable",
                then,
                f"{then:,}",
            )
            for product, (here, then) in found.items()
        ]

    return Chart("Billable deliveries this month", READ, "By product; in grey all of last month", read)
