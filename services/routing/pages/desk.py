"""What routing tells the pages that span all services: what it finds, what waits there, how dispatch stands."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import MOST_HITS, Backlog, Bar, Card, Chart, Desk, Figure, Finder, Hit, Waiting
from chassis.console.wording import DASH, counted, words
from contracts.identity import Capability
from services.routing.models import Dispatch, Installer
from services.routing.pages import assignments, exceptions, installers
from services.routing.pages.about import ABOUT
from services.routing.pages.assignments import RECENT
from services.routing.pages.exceptions import QUEUE
from services.routing.pages.telling import ASSIGNMENTS, DISPATCHES, EXCEPTIONS, INSTALLERS, lead_title
from services.routing.pages.telling import latency as told_latency
from services.routing.queries import assignments as assignment_queries
from services.routing.queries import exceptions as exception_queries
from services.routing.queries import figures
from services.routing.queries.installers import names_of

READ = Capability.READ_OPS
AT_CAP = f"{INSTALLERS}?status=active&at_cap=true"
STUCK = f"{ASSIGNMENTS}?status=pending&stuck=true"
RECENTLY = f"{ASSIGNMENTS}?recent=true"
SENT_RECENTLY = f"{RECENTLY}&status=sent"
_BARS = 12
"""More would be a list: the last of them say least."""


async def _find_installers(session: AsyncSession, text: str) -> list[Hit]:
    query = select(Installer).where(installers.matches(text)).order_by(Installer.name, Installer.id).limit(MOST_HITS)
    return [
        Hit(each.name, f"{words(each.status)}, {each.email}", f"{INSTALLERS}/{each.id}")
        for each in await session.scalars(query)
    ]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _find_dispatches(session: AsyncSession, text: str) -> list[Hit]:
    if (wanted := _uuid(text)) is None or (lead := await session.get(Dispatch, wanted)) is None:
        return []
    return [Hit(lead_title(lead), words(lead.status), f"{DISPATCHES}/{lead.lead_id}")]


async def _find_assignments(session: AsyncSession, text: str) -> list[Hit]:
    if (wanted := _uuid(text)) is None:
        return []
    found = await assignment_queries.named(session, wanted, MOST_HITS)
    names = await names_of(session, [made.installer_id for made, _ in found])
    return [
        Hit(f"{lead_title(lead)} to {names[made.installer_id]}", words(made.status), f"{ASSIGNMENTS}/{made.id}")
        for made, lead in found
    ]


async def _find_exceptions(session: AsyncSession, text: str) -> list[Hit]:
    if (wanted := _uuid(text)) is None:
        return []
    return [
        Hit(lead_title(lead), f"{words(item.reason)}, {_standing(item.is_open)}", f"{EXCEPTIONS}/{item.id}")
        for item, lead in await exception_queries.named(session, wanted)
    ]


def _standing(is_open: bool) -> str:
    return "waits for an operator" if is_open else "resolved"


def _leads_wait(number: int) -> str:
    return f"{counted(number, 'lead waits', 'leads wait')} for an operator"


async def _count_exceptions(session: AsyncSession, _now: datetime) -> Backlog:
    waiting = await exception_queries.open_by_reason(session)
    oldest = min((each.oldest_raised_at for each in waiting), default=None)
    return Backlog(sum(each.count for each in waiting), oldest)


def _are_stuck(number: int) -> str:
    return f"{counted(number, 'assignment is', 'assignments are')} on the way for longer than 15 minutes"


async def _count_stuck(session: AsyncSession, now: datetime) -> Backlog:
    return Backlog(*await figures.stuck(session, now - assignments.LIMIT))


def _are_full(number: int) -> str:
    return f"{counted(number, 'active installer is', 'active installers are')} at a cap"


async def _count_full(session: AsyncSession, now: datetime) -> Backlog:
    return Backlog(await figures.installers_at_cap(session, now))


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


async def _read_cap_use(session: AsyncSession, now: datetime) -> Figure:
    use = await figures.cap_use(session, now)
    if not use.limit:
        return Figure(DASH, "No active installer has a cap for its cycle")
    return Figure(f"{use.taken / use.limit * 100:.0f} %", f"{use.taken:,} of {use.limit:,} leads of active installers")


async def _read_reasons(session: AsyncSession, _now: datetime) -> list[Bar]:
    waiting = sorted(await exception_queries.open_by_reason(session), key=lambda each: -each.count)
    return [
        Bar(words(each.reason), each.count, f"{each.count:,}", f"{QUEUE}&reason={each.reason.value}")
        for each in waiting
    ]


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


DESK = Desk(
    about=ABOUT,
    finders=(
        Finder("Installers", READ, _find_installers),
        Finder("Dispatches", READ, _find_dispatches),
        Finder("Assignments", READ, _find_assignments),
        Finder("Exceptions", READ, _find_exceptions),
    ),
    waiting=(
        Waiting(exceptions.ROOM, READ, _leads_wait, QUEUE, _count_exceptions, exceptions.LIMIT),
        Waiting(assignments.ROOM, READ, _are_stuck, STUCK, _count_stuck, assignments.LIMIT),
        Waiting(installers.ROOM, READ, _are_full, AT_CAP, _count_full),
    ),
    cards=(
        Card("Lead to dispatch", READ, RECENTLY, _read_latency),
        Card("Delivered", READ, f"{SENT_RECENTLY}&status=failed", _read_outcomes),
        Card("Cap used this cycle", READ, f"{INSTALLERS}?status=active&sort=-month", _read_cap_use),
    ),
    charts=(
        Chart("Why leads wait", READ, "Open exceptions by reason, now", _read_reasons),
        Chart(
            "Deliveries by installer",
            READ,
            "Of leads given in the last 7 days; grey is the 7 days before",
            _read_deliveries,
        ),
        Chart("Places under caps released", READ, "Of leads given in the last 7 days, by reason", _read_releases),
    ),
)
