"""What deliveries tell the pages that span all services: those without a price, and how many are billable."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Bar, Chart, Waiting
from chassis.console.wording import counted, words
from contracts.identity import Capability
from services.billing.domain.periods import Period
from services.billing.pages import held
from services.billing.pages.doors import DELIVERIES
from services.billing.queries import deliveries, kpis

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
