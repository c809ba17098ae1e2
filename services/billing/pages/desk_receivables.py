"""What is owed, as the pages that span all services tell it: overdue, by age, and how well it is collected."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Bar, Card, Chart, Figure, Waiting, once
from chassis.console.fields import start_of
from chassis.console.wording import DASH, counted, money
from contracts.identity import Capability
from services.billing.domain.ageing import Age, due_between
from services.billing.domain.receivables import Figure as Measure
from services.billing.pages import collection_words, overdue, receivables, snapshot_parts
from services.billing.queries import ageing, collected, kpis, promises, snapshots
from services.billing.queries.collection import collection
from services.billing.queries.snapshots import Mondays

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
        found = await once(session, collection, now, _day_of(now, zone))
        not_due = found.owed_cents - found.overdue_cents
        rest = f"{money(not_due)} of it is not due yet" if not_due else "all of it overdue"
        told = rest if found.owed_cents else "nothing is owed"
        weeks = await once(session, snapshots.mondays, zone, now)
        return Figure(money(found.owed_cents), told + _beside(weeks, Measure.OUTSTANDING, found.owed_cents))

    return Card("Outstanding", READ, overdue.PATH, read)


def _beside(weeks: Mondays, measure: Measure, cents: int) -> str:
    """Beside what it was when this week and the one before it began, where that was kept."""
    kept = ((weeks.this, "on Monday"), (weeks.before, "the Monday before"))
    told = [_than(cents - measure.of(each.aged), then) for each, then in kept if each]
    return f"; {', '.join(told)}" if told else ""


def _than(delta_cents: int, then: str) -> str:
    if not delta_cents:
        return f"as {then}"
    return f"{money(abs(delta_cents))} {'more' if delta_cents > 0 else 'less'} than {then}"


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


def weeks(zone: ZoneInfo, figure: Measure) -> Chart:
    async def read(session: AsyncSession, now: datetime) -> Sequence[Bar]:
        kept = await once(session, snapshots.weeks, snapshot_parts.WEEKS)
        return snapshot_parts.bars(kept, figure, zone)

    return Chart(snapshot_parts.weekly(figure), READ, snapshot_parts.EXPLAINED, read)


def overdue_amount(zone: ZoneInfo) -> Card:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        found = await once(session, collection, now, _day_of(now, zone))
        told = f"on {counted(found.overdue_count, 'invoice', 'invoices')}"
        weeks = await once(session, snapshots.mondays, zone, now)
        return Figure(money(found.overdue_cents), told + _beside(weeks, Measure.OVERDUE, found.overdue_cents))

    return Card("Overdue", READ, overdue.QUEUE, read)


def overdue_over_30(zone: ZoneInfo) -> Card:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        cents = (await once(session, ageing.owed_by_age, now, zone)).over_30_cents
        told = _beside(await once(session, snapshots.mondays, zone, now), Measure.OVER_30, cents)
        _, last_due = due_between(Age.TO_60, now.astimezone(zone).date())
        return Figure(money(cents), told.removeprefix("; "), f"{overdue.PATH}?due_to={last_due}")

    return Card(snapshot_parts.FIGURES[Measure.OVER_30], READ, overdue.QUEUE, read)


def sales_outstanding(zone: ZoneInfo) -> Card:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        found = await collected.latest(session, zone, now)
        if found is None:
            return Figure(DASH, "no month has ended yet")
        owed = await once(session, collection, now, _day_of(now, zone))
        paid = "" if owed.days_to_pay is None else f"; paid {owed.days_to_pay:.1f} days after issue"
        return Figure(collection_words.days(found.simple), collection_words.reckoned(found) + paid)

    return Card("Days sales outstanding", READ, collection_words.FIGURES, read)


def ages(zone: ZoneInfo) -> Chart:
    async def read(session: AsyncSession, now: datetime) -> Sequence[Bar]:
        found = await once(session, ageing.owed_by_age, now, zone)
        seen = receivables.AsOf(now.astimezone(zone).date(), None)
        return [
            Bar(receivables.AGES[age], cents, money(cents), seen.door(age))
            for age, cents in zip(Age, found.owed_cents, strict=True)
        ]

    return Chart("What is owed, by age", READ, "AUD inc. GST, by due day, now", read)
