"""How dispatch goes: how fast it is, what it comes to, what fails, and how the queue grows and shrinks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, case, cast, extract, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.states import AssignmentStatus, BreakerState, Channel, Trigger
from services.routing.models import Assignment, Decision, DeliveryEndpoint, DispatchException, Installer
from services.routing.queries.exceptions import is_due_for_retry, is_late

DELIVERED = [status for status in AssignmentStatus if status.was_delivered]


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of so many leads that were given by themselves, in milliseconds from their receipt; None where there are none.

    `hour` is of the business day's clock, None for all of them.
    """

    hour: int | None
    number: int
    p50: int | None
    p90: int | None
    p99: int | None


async def latency_by_hour(
    session: AsyncSession, since: datetime, before: datetime, zone: ZoneInfo
) -> list[Percentiles]:
    """Of each hour of the day in which some were given, and of all first."""
    ms = Decision.latency_ms
    figures = [func.percentile_disc(part).within_group(ms) for part in (0.5, 0.9, 0.99)]
    hour = cast(extract("hour", func.timezone(zone.key, Decision.decided_at)), Integer)
    given = (
        Decision.decided_at >= since,
        Decision.decided_at < before,
        Decision.trigger == Trigger.AUTO,
        Decision.chosen_count > 0,
    )
    of_all = (await session.execute(select(func.count(), *figures).where(*given))).one()
    by_hour = await session.execute(select(hour, func.count(), *figures).where(*given).group_by(hour).order_by(hour))
    return [Percentiles(None, *of_all), *(Percentiles(*row) for row in by_hour)]


@dataclass(frozen=True, slots=True)
class Came:
    """What the decisions of one trigger came to."""

    trigger: Trigger
    given: int
    partly: int
    none: int


async def outcomes_by_trigger(session: AsyncSession, since: datetime, before: datetime) -> list[Came]:
    chosen, wanted = Decision.chosen_count, Decision.wanted_count
    counts = [
        func.count().filter(chosen >= wanted),
        func.count().filter(chosen > 0, chosen < wanted),
        func.count().filter(chosen == 0),
    ]
    query = (
        select(Decision.trigger, *counts)
        .where(Decision.decided_at >= since, Decision.decided_at < before)
        .group_by(Decision.trigger)
        .order_by(func.count().desc())
    )
    return [Came(row[0], row[1], row[2], row[3]) for row in await session.execute(query)]


@dataclass(frozen=True, slots=True)
class Ended:
    """Deliveries of a channel; `reason` is why they failed, None for those that did not."""

    channel: Channel
    reason: str | None
    number: int


async def deliveries_by_reason(session: AsyncSession, since: datetime, before: datetime) -> list[Ended]:
    """Of the assignments of a time: those that were cancelled or are on their way are in none."""
    is_failed = Assignment.status == AssignmentStatus.FAILED
    reason = case((is_failed, func.coalesce(Assignment.ended_reason, "unknown")))
    query = (
        select(Assignment.channel, reason, func.count())
        .where(
            Assignment.created_at >= since,
            Assignment.created_at < before,
            is_failed | Assignment.status.in_(DELIVERED),
        )
        .group_by(Assignment.channel, reason)
        .order_by(Assignment.channel, func.count().desc())
    )
    return [Ended(*row) for row in await session.execute(query)]


@dataclass(frozen=True, slots=True)
class Keeping:
    """How the queue keeps itself: what was tried by itself and gave, what waits nobody's, and open breakers."""

    tried: int
    settled: int
    unowned_late: int
    overdue_since: datetime | None
    breakers_open: int


async def keeping(session: AsyncSession, since: datetime, now: datetime, fresh_since: datetime) -> Keeping:
    """What has waited since before `fresh_since` is due for nothing."""
    of_time = (Decision.trigger == Trigger.SCHEDULED, Decision.decided_at >= since, Decision.decided_at < now)
    settled = func.count().filter(Decision.chosen_count > 0)
    tried, gave = (await session.execute(select(func.count(), settled).where(*of_time))).one()
    late = await session.scalar(select(func.count()).where(is_late(now)))
    overdue = await first_due(session, now, fresh_since)
    breakers = await breakers_open(session)
    return Keeping(tried, gave, late or 0, overdue, sum(breakers.values()))


async def first_due(session: AsyncSession, now: datetime, fresh_since: datetime) -> datetime | None:
    """Since when the first try has been due that nobody has put off; None where none is."""
    query = select(func.min(DispatchException.next_retry_at)).where(is_due_for_retry(now, fresh_since))
    since: datetime | None = await session.scalar(query)
    return since


async def breakers_open(session: AsyncSession) -> dict[Channel, int]:
    """Of the channels that are in use."""
    is_used: ColumnElement[bool] = Installer.channel == DeliveryEndpoint.channel
    query = (
        select(DeliveryEndpoint.channel, func.count())
        .join(Installer, Installer.id == DeliveryEndpoint.installer_id)
        .where(DeliveryEndpoint.breaker != BreakerState.CLOSED, is_used)
        .group_by(DeliveryEndpoint.channel)
    )
    found: Sequence[tuple[Channel, int]] = [(row[0], row[1]) for row in await session.execute(query)]
    return dict(found)
