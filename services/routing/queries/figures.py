"""How dispatch stands, in a few numbers: what waits, how fast it is, how much arrives, how full the caps are."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.lists.declaration import NOW
from contracts.values import CapReleaseReason, InstallerStatus, SelectedPath
from services.routing.domain.returns import ReturnCode
from services.routing.domain.states import AssignmentStatus, CapState, Trigger
from services.routing.domain.windows import WindowKind
from services.routing.models import Assignment, Decision, Installer, Return
from services.routing.queries import installer_lists as lists

DELIVERED = [status for status in AssignmentStatus if status.was_delivered]


async def stuck(session: AsyncSession, before: datetime) -> tuple[int, datetime | None]:
    """How many assignments are pending since before then, and since when the oldest is."""
    query = select(func.count(), func.min(Assignment.created_at)).where(
        Assignment.status == AssignmentStatus.PENDING, Assignment.created_at < before
    )
    number, oldest = (await session.execute(query)).one()
    return number, oldest


async def installers_at_cap(session: AsyncSession, now: datetime) -> int:
    query = lists.ROWS.with_only_columns(func.count()).where(
        Installer.status == InstallerStatus.ACTIVE, lists.IS_AT_CAP
    )
    return int((await session.execute(query, {NOW.key: now})).scalar_one())


@dataclass(frozen=True, slots=True)
class Latency:
    """From receipt to the decision that gave it, in milliseconds; None where nothing was given."""

    median_ms: int | None
    slowest_tenth_ms: int | None


async def latency(session: AsyncSession, since: datetime, before: datetime) -> Latency:
    """Of the leads that were given by themselves in between."""
    given = (
        select(Decision.latency_ms)
        .where(
            Decision.trigger == Trigger.AUTO,
            Decision.id.in_(
                select(Assignment.decision_id).where(Assignment.created_at >= since, Assignment.created_at < before)
            ),
        )
        .subquery()
    )
    in_order = func.percentile_disc(0.5).within_group(given.c.latency_ms)
    nine_tenths = func.percentile_disc(0.9).within_group(given.c.latency_ms)
    row = (await session.execute(select(in_order.label("median"), nine_tenths.label("tenth")))).one()
    return Latency(row.median, row.tenth)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Of the assignments of a time: those that were cancelled are in neither. What was returned had been sent."""

    sent: int
    failed: int

    @property
    def share_sent(self) -> float | None:
        ended = self.sent + self.failed
        return self.sent / ended if ended else None


async def outcomes(session: AsyncSession, since: datetime, before: datetime) -> Outcomes:
    sent_count = func.count().filter(Assignment.status.in_(DELIVERED))
    failed_count = func.count().filter(Assignment.status == AssignmentStatus.FAILED)
    query = select(sent_count, failed_count).where(Assignment.created_at >= since, Assignment.created_at < before)
    sent, failed = (await session.execute(query)).one()
    return Outcomes(sent, failed)


@dataclass(frozen=True, slots=True)
class CapUse:
    """Of the active installers that have a cap for their cycle."""

    taken: int
    limit: int


async def cap_use(session: AsyncSession, now: datetime) -> CapUse:
    month = WindowKind.MONTH
    limit = lists.LIMITS[month]
    query = lists.ROWS.with_only_columns(
        cast(func.coalesce(func.sum(lists.TAKEN[month]), 0), Integer), cast(func.coalesce(func.sum(limit), 0), Integer)
    ).where(Installer.status == InstallerStatus.ACTIVE, limit.is_not(None))
    taken, limits = (await session.execute(query, {NOW.key: now})).one()
    return CapUse(taken, limits)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """An installer's, of leads that were given in a time: exclusive ones, shares of shared ones, and all of before."""

    installer_id: UUID
    installer_name: str
    exclusive: int
    shared: int
    before: int

    @property
    def number(self) -> int:
        return self.exclusive + self.shared


async def deliveries(session: AsyncSession, since: datetime, before: datetime, most: int) -> list[Deliveries]:
    """By installer, the one with the most since then first; `before` is when the time to compare with began."""
    is_recent = Assignment.created_at >= since
    is_exclusive = Assignment.selected_path == SelectedPath.RECOMMENDED_INSTALLER
    exclusive = func.count().filter(is_recent, is_exclusive)
    shared = func.count().filter(is_recent, ~is_exclusive)
    query = (
        select(Installer.id, Installer.name, exclusive, shared, func.count().filter(~is_recent))
        .select_from(Assignment)
        .join(Installer, Installer.id == Assignment.installer_id)
        .where(Assignment.status.in_(DELIVERED), Assignment.created_at >= before)
        .group_by(Installer.id)
        .order_by(func.count().filter(is_recent).desc(), Installer.name)
        .limit(most)
    )
    return [Deliveries(*row) for row in await session.execute(query)]


async def releases_by_reason(session: AsyncSession, since: datetime) -> list[tuple[CapReleaseReason, int]]:
    """Of the places of leads that were given since then, the most frequent reason first."""
    query = (
        select(Assignment.cap_release_reason, func.count())
        .where(Assignment.cap_state == CapState.RELEASED, Assignment.created_at >= since)
        .group_by(Assignment.cap_release_reason)
        .order_by(func.count().desc(), Assignment.cap_release_reason)
    )
    return [(reason, number) for reason, number in await session.execute(query) if reason is not None]


@dataclass(frozen=True, slots=True)
class Returned:
    """Of the leads that were given in a time and delivered."""

    delivered: int
    returned: int

    @property
    def share(self) -> float | None:
        return self.returned / self.delivered if self.delivered else None


async def returned(session: AsyncSession, since: datetime, before: datetime) -> Returned:
    query = select(
        func.count().filter(Assignment.status.in_(DELIVERED)),
        func.count().filter(Assignment.status == AssignmentStatus.RETURNED),
    ).where(Assignment.created_at >= since, Assignment.created_at < before)
    return Returned(*(await session.execute(query)).one())


async def returns_by_code(session: AsyncSession, since: datetime) -> list[tuple[ReturnCode, int]]:
    """Of those asked for since then, the most frequent first."""
    query = select(Return.code, func.count()).where(Return.requested_at >= since).group_by(Return.code)
    rows = await session.execute(query.order_by(func.count().desc(), Return.code))
    return [(row[0], row[1]) for row in rows]
