"""What credits and debits tell the pages that span all services: what waits for finance, and why credits are given."""

from collections.abc import Awaitable, Callable, Sequence
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


def _for_approval(
    room: str, queue: str, one: str, many: str, pending: Callable[[AsyncSession], Awaitable[kpis.Backlogged]]
) -> Waiting:
    """What a second operator has to agree to."""

    async def count(session: AsyncSession, _now: datetime) -> Backlog:
        found = await pending(session)
        return Backlog(found.number, found.oldest)

    return Waiting(room, READ, lambda number: f"{counted(number, one, many)} for approval", queue, count, CREDIT_LIMIT)


ADJUSTMENTS = _for_approval(
    adjustments.ROOM, adjustments.QUEUE, "adjustment waits", "adjustments wait", kpis.pending_adjustments
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

WRITE_OFFS = _for_approval(
    write_offs.ROOM, write_offs.QUEUE, "write-off waits", "write-offs wait", kpis.pending_write_offs
)

VOIDS = _for_approval(void_requests.ROOM, void_requests.QUEUE, "void waits", "voids wait", kpis.pending_voids)


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
