"""What credits and debits tell the pages that span all services: what waits for finance, and why credits are given."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import Backlog, Bar, Card, Chart, Figure, Waiting
from chassis.console.fields import start_of
from chassis.console.wording import DASH, counted, money, words
from contracts.identity import Capability
from services.billing.pages import adjustments, credit_proposals, void_requests, write_offs
from services.billing.queries import credit_requests, kpis
from services.billing.queries.collection import SPAN

READ = Capability.READ_OPS
CREDIT_LIMIT = timedelta(days=7)
"""Five business days are a week, on whichever of them it was asked for."""
GIVEN = f"{adjustments.PATH}?state=approved&kind=credit&invoice=stands"


async def _adjustments(session: AsyncSession, _now: datetime) -> Backlog:
    found = await kpis.pending_adjustments(session)
    return Backlog(found.number, found.oldest)


ADJUSTMENTS = Waiting(
    adjustments.ROOM,
    READ,
    lambda number: f"{counted(number, 'adjustment waits', 'adjustments wait')} for approval",
    adjustments.QUEUE,
    _adjustments,
    CREDIT_LIMIT,
)


async def _proposals(session: AsyncSession, _now: datetime) -> Backlog:
    found = await credit_requests.proposed(session)
    return Backlog(found.number, found.oldest_at)


PROPOSALS = Waiting(
    credit_proposals.ROOM,
    READ,
    lambda number: f"{counted(number, 'credit is', 'credits are')} proposed",
    credit_proposals.QUEUE,
    _proposals,
    CREDIT_LIMIT,
)


async def _write_offs(session: AsyncSession, _now: datetime) -> Backlog:
    found = await kpis.pending_write_offs(session)
    return Backlog(found.number, found.oldest)


WRITE_OFFS = Waiting(
    write_offs.ROOM,
    READ,
    lambda number: f"{counted(number, 'write-off waits', 'write-offs wait')} for approval",
    write_offs.QUEUE,
    _write_offs,
    CREDIT_LIMIT,
)


async def _voids(session: AsyncSession, _now: datetime) -> Backlog:
    found = await kpis.pending_voids(session)
    return Backlog(found.number, found.oldest)


VOIDS = Waiting(
    void_requests.ROOM,
    READ,
    lambda number: f"{counted(number, 'void waits', 'voids wait')} for approval",
    void_requests.QUEUE,
    _voids,
    CREDIT_LIMIT,
)


def _since(now: datetime, zone: ZoneInfo) -> tuple[datetime, date]:
    """When the first of the days began that are looked at: whole ones, so that their door leads to just these."""
    first = now.astimezone(zone).date() - SPAN
    return start_of(first, zone), first


def credit_rate(zone: ZoneInfo) -> Card:
    async def read(session: AsyncSession, now: datetime) -> Figure:
        since, first = _since(now, zone)
        given = await kpis.credited_by_reason(session, since, since)
        issued = await kpis.issued_subtotal(session, since)
        cents = sum(each.cents for each in given)
        share = f"{100 * cents / issued:.1f} %" if issued else DASH
        told = f"{money(cents)} credited of {money(issued)} issued, ex GST"
        return Figure(share, told, f"{GIVEN}&decided_from={first}")

    return Card("Credit rate, last 90 days", READ, GIVEN, read)


def reasons(zone: ZoneInfo) -> Chart:
    async def read(session: AsyncSession, now: datetime) -> Sequence[Bar]:
        since, first = _since(now, zone)
        before, _ = _since(since, zone)
        return [
            Bar(
                words(each.reason_code),
                each.cents,
                money(each.cents),
                f"{GIVEN}&reason={each.reason_code}&decided_from={first}",
                each.before_cents,
                money(each.before_cents),
            )
            for each in await kpis.credited_by_reason(session, since, before)
        ]

    return Chart(
        "Why credits are given", READ, "AUD ex GST agreed to in the last 90 days; in grey the 90 days before", read
    )
