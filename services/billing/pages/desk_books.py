"""What was invoiced, as the pages that span all services tell it: this month, and month by month."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Bar, Card, Chart, Figure
from chassis.console.wording import money
from contracts.identity import Capability
from services.billing.domain.periods import Period, month_name
from services.billing.pages import journal
from services.billing.queries import kpis

READ = Capability.READ_OPS
SHOWN_MONTHS = 6


def invoiced(zone: ZoneInfo) -> Card:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        this, last = await kpis.issued_in(session, Period.months_until(now, 2, zone))
        before = money(last.cents) if last.cents else "Nothing"
        told = f"{before} in all of {month_name(last.period.name)}"
        return Figure(money(this.cents), told, journal.standing_issues(this.period, zone))

    return Card("Invoiced this month, inc. GST", READ, journal.PATH, read)


def months(zone: ZoneInfo) -> Chart:
    async def read(session: AsyncSession, now: datetime) -> Sequence[Bar]:
        found = await kpis.issued_in(session, Period.months_until(now, SHOWN_MONTHS, zone))
        return [
            Bar(month_name(each.period.name), each.cents, money(each.cents), journal.standing_issues(each.period, zone))
            for each in reversed(found)
        ]

    return Chart("Invoiced by month", READ, "AUD inc. GST, by day of issue", read)
