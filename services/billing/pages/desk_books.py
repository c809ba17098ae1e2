"""What was invoiced, as the pages that span all services tell it: this month, and month by month."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Bar, Card, Chart, Figure
from chassis.console.wording import money
from contracts.identity import Capability
from services.billing.domain.periods import Period, month_name
from services.billing.pages import journal
from services.billing.queries import kpis

READ = Capability.READ_OPS
ISSUES = f"{journal.PATH}?kind=invoice_issued"
SHOWN_MONTHS = 6


def invoiced(zone: ZoneInfo) -> Card:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        this, last = await kpis.issued_in(session, Period.months_until(now, 2, zone))
        before = money(last.cents) if last.cents else "Nothing"
        return Figure(money(this.cents), f"{before} in all of {month_name(last.period.name)}")

    return Card("Invoiced this month, inc. GST", READ, ISSUES, read)


def months(zone: ZoneInfo) -> Chart:
    async def read(session: AsyncSession, now: datetime) -> Sequence[Bar]:
        found = await kpis.issued_in(session, Period.months_until(now, SHOWN_MONTHS, zone))
        return [
            Bar(month_name(each.period.name), each.cents, money(each.cents), _issues_in(each.period, zone))
            for each in reversed(found)
        ]

    return Chart("Invoiced by month", READ, "AUD inc. GST, by day of issue", read)


def _issues_in(month: Period, zone: ZoneInfo) -> str:
    first = month.start.astimezone(zone).date()
    last = month.end.astimezone(zone).date() - timedelta(days=1)
    return f"{ISSUES}&dated_from={first}&dated_to={last}"
