"""What routing tells of dispatches and deliveries to the pages that span all services: what is stuck, how it goes."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import MOST_HITS, Backlog, Bar, Card, Chart, Figure, Finder, Hit, Waiting
from chassis.console.wording import DASH, counted, words
from contracts.identity import Capability
from services.routing.models import Dispatch
from services.routing.pages import assignments
from services.routing.pages.assignments import RECENT
from services.routing.pages.telling import ASSIGNMENTS, DISPATCHES, lead_title, uuid_of
from services.routing.pages.telling import latency as told_latency
from services.routing.queries import assignments as assignment_queries
from services.routing.queries import figures
from services.routing.queries.installers import names_of

READ = Capability.READ_OPS
STUCK = f"{ASSIGNMENTS}?status=pending&stuck=true"
RECENTLY = f"{ASSIGNMENTS}?recent=true"
SENT_RECENTLY = f"{RECENTLY}&status=sent&status=returned"
"""What was returned had been sent."""
_BARS = 12
"""More would be a list: the last of them say least."""


async def _find_dispatches(session: AsyncSession, text: str) -> list[Hit]:
    if (wanted := uuid_of(text)) is None or (lead := await session.get(Dispatch, wanted)) is None:
        return []
    return [Hit(lead_title(lead), words(lead.status), f"{DISPATCHES}/{lead.lead_id}")]


async def _find_assignments(session: AsyncSession, text: str) -> list[Hit]:
    if (wanted := uuid_of(text)) is None:
        return []
    found = await assignment_queries.named(session, wanted, MOST_HITS)
    names = await names_of(session, [made.installer_id for made, _ in found])
    return [
        Hit(f"{lead_title(lead)} to {names[made.installer_id]}", words(made.status), f"{ASSIGNMENTS}/{made.id}")
        for made, lead in found
    ]


def _are_stuck(number: int) -> str:
    return f"{counted(number, 'assignment is', 'assignments are')} on the way for longer than 15 minutes"


async def _count_stuck(session: AsyncSession, now: datetime) -> Backlog:
    return Backlog(*await figures.stuck(session, now - assignments.LIMIT))


async def _read_latency(session: AsyncSession, now: datetime) -> Figure:
    latency = await figures.latency(session, now - RECENT, now)
    if latency.median_ms is None or latency.slowest_tenth_ms is None:
        return Figure(DASH, "Nothing was dispatched by itself in 7 days")
    return Figure(
        told_latency(latency.median_ms),
        f"Half are faster, one of ten is slower than {told_latency(latency.slowest_tenth_ms)}; in 7 days",
    )


async def _read_outcomes(session: AsyncSession, now: datetime) -> Figure:
    here = await figures.outcomes(session, now - RECENT, now)
    before = await figures.outcomes(session, now - 2 * RECENT, now - RECENT)
    if here.share_sent is None:
        return Figure(DASH, "Nothing was delivered or refused in 7 days")
    trend = f"{here.sent:,} sent, {here.failed:,} failed in 7 days"
    earlier = "" if before.share_sent is None else f"; {before.share_sent * 100:.1f} % the week before"
    return Figure(f"{here.share_sent * 100:.1f} %", trend + earlier)


async def _read_deliveries(session: AsyncSession, now: datetime) -> list[Bar]:
    since = now - RECENT
    return [
        Bar(
            each.installer_name,
            each.number,
            f"{each.exclusive:,} exclusive, {each.shared:,} shared",
            f"{SENT_RECENTLY}&installer_id={each.installer_id}",
            each.before,
            f"{each.before:,}",
        )
        for each in await figures.deliveries(session, since, since - RECENT, _BARS)
    ]


async def _read_releases(session: AsyncSession, now: datetime) -> list[Bar]:
    return [
        Bar(words(reason), number, f"{number:,}", f"{RECENTLY}&cap=released&released_for={reason.value}")
        for reason, number in await figures.releases_by_reason(session, now - RECENT)
    ]


FINDERS = (
    Finder("Dispatches", READ, _find_dispatches),
    Finder("Assignments", READ, _find_assignments),
)
WAITING = (Waiting(assignments.ROOM, READ, _are_stuck, STUCK, _count_stuck, assignments.LIMIT),)
CARDS = (
    Card("Lead to dispatch", READ, RECENTLY, _read_latency),
    Card("Delivered", READ, f"{SENT_RECENTLY}&status=failed", _read_outcomes),
)
CHARTS = (
    Chart(
        "Deliveries by installer",
        READ,
        "Of leads given in the last 7 days; grey is the 7 days before",
        _read_deliveries,
    ),
    Chart("Places under caps released", READ, "Of leads given in the last 7 days, by reason", _read_releases),
)
