"""What is owed, as the pages that span all services tell it: overdue, by age, and how well it is collected."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Bar, Card, Chart, Figure, Waiting
from chassis.console.fields import start_of
from chassis.console.wording import DASH, counted, money
from contracts.identity import Capability
from services.billing.domain.ageing import Age
from services.billing.domain.receivables import week_began
from services.billing.pages import collection_words, overdue, receivables, snapshot_parts
from services.billing.queries import ageing, collected, kpis, promises, snapshots
from services.billing.queries.collection import collection

READ = Capability.READ_OPS
OVERDUE_LIMIT = timedelta(days=30)


def _day_of(now: datetime, zone: ZoneInfo) -> datetime:
    """When the business's day began: what was due before it is overdue."""
    return start_of(now.astimezone(zone).date(), zone)


def overdue_invoices(zone: ZoneInfo) -> Waiting:
    async def count(session: AsyncSession, now: datetime) -> Backlog:
        found = await kpis.overdue(session, _day_of(now, zone))
        return Backlog(found.number, found.oldest)

    return Waiting(
        receivables.ROOM,
        READ,
        lambda number: f"{counted(number, 'invoice is', 'invoices are')} overdue",
        overdue.QUEUE,
        count,
        OVERDUE_LIMIT,
    )


def outstanding(zone: ZoneInfo) -> Card:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        found = await collection(session, now, _day_of(now, zone))
        not_due = found.owed_cents - found.overdue_cents
        rest = f"{money(not_due)} of it is not due yet" if not_due else "all of it overdue"
        told = rest if found.owed_cents else "nothing is owed"
        return Figure(money(found.owed_cents), told + await _since_monday(session, now, zone, found.owed_cents))

    return Card("Outstanding", READ, overdue.PATH, read)


async def _since_monday(session: AsyncSession, now: datetime, zone: ZoneInfo, owed_cents: int) -> str:
    """Beside what was owed when the week began, where that was kept."""
    weeks = await snapshots.weeks(session, 1)
    if not weeks or weeks[-1].as_of != week_began(now, zone):
        return ""
    delta = owed_cents - weeks[-1].aged.total_cents
    return f"; {money(abs(delta))} {'more' if delta > 0 else 'less'} than on Monday" if delta else "; as on Monday"


def broken_promises(_zone: ZoneInfo) -> Waiting:
    async def count(session: AsyncSession, now: datetime) -> Backlog:
        return Backlog(await promises.broken_count(session))

    return Waiting(
        receivables.ROOM,
        READ,
        lambda number: f"{counted(number, 'promise to pay was', 'promises to pay were')} broken",
        f"{overdue.PATH}?promise=broken",
        count,
    )


def weeks(zone: ZoneInfo) -> Chart:
    async def read(session: AsyncSession, now: datetime) -> Sequence[Bar]:
        return snapshot_parts.overdue_bars(await snapshots.weeks(session, snapshot_parts.WEEKS), zone)

    return Chart("Overdue, week by week", READ, "AUD inc. GST, when each week began", read)


def overdue_amount(zone: ZoneInfo) -> Card:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        found = await collection(session, now, _day_of(now, zone))
        return Figure(money(found.overdue_cents), f"on {counted(found.overdue_count, 'invoice', 'invoices')}")

    return Card("Overdue", READ, overdue.QUEUE, read)


def sales_outstanding(zone: ZoneInfo) -> Card:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        found = await collected.latest(session, zone, now)
        if found is None:
            return Figure(DASH, "no month has ended yet")
        owed = await collection(session, now, _day_of(now, zone))
        paid = "" if owed.days_to_pay is None else f"; paid {owed.days_to_pay:.1f} days after issue"
        return Figure(collection_words.days(found.simple), collection_words.reckoned(found) + paid)

    return Card("Days sales outstanding", READ, collection_words.FIGURES, read)


def ages(zone: ZoneInfo) -> Chart:
    async def read(session: AsyncSession, now: datetime) -> Sequence[Bar]:
        found = await ageing.aged(session, now, zone, 1)
        seen = receivables.AsOf(now.astimezone(zone).date(), None)
        return [
            Bar(receivables.AGES[age], cents, money(cents), seen.door(age))
            for age, cents in zip(Age, found.total.owed_cents, strict=True)
        ]

    return Chart("What is owed, by age", READ, "AUD inc. GST, by due day, now", read)
