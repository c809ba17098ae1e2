"""The exception queue."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from contracts.values import SelectedPath
from services.routing.domain.states import AssignmentStatus, ExceptionReason
from services.routing.domain.waiting import WaitKind
from services.routing.errors import NoSuchException
from services.routing.models import Assignment, Dispatch, DispatchException
from services.routing.queries.arrays import among

MOST_NAMED = 5


async def get(session: AsyncSession, exception_id: UUID) -> DispatchException:
    return NoSuchException.unless(
        await session.get(DispatchException, exception_id, populate_existing=True),
        "no such item",
        exception_id=exception_id,
    )


async def open_items(session: AsyncSession, lead_ids: Collection[UUID]) -> Sequence[DispatchException]:
    """Of any of the leads; at the most one per lead and reason."""
    found = await session.scalars(
        select(DispatchException)
        .where(among(DispatchException.lead_id, lead_ids), DispatchException.resolved_at.is_(None))
        .order_by(DispatchException.raised_at, DispatchException.id)
    )
    return found.all()


async def of_lead(session: AsyncSession, lead_id: UUID) -> Sequence[DispatchException]:
    found = await session.scalars(
        select(DispatchException)
        .where(DispatchException.lead_id == lead_id)
        .order_by(DispatchException.raised_at, DispatchException.id)
    )
    return found.all()


async def named(session: AsyncSession, wanted: UUID) -> Sequence[tuple[DispatchException, Dispatch]]:
    """By its own id or its lead's, the newest first, each with its lead's dispatch."""
    query = (
        select(DispatchException, Dispatch)
        .join(Dispatch, Dispatch.lead_id == DispatchException.lead_id)
        .where(or_(DispatchException.id == wanted, DispatchException.lead_id == wanted))
        .order_by(DispatchException.raised_at.desc(), DispatchException.id)
        .limit(MOST_NAMED)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


@dataclass(frozen=True, slots=True)
class ExceptionFilter:
    """What is None does not narrow."""

    is_open: bool | None = None
    reason: ExceptionReason | None = None
    lead_id: UUID | None = None
    raised_before: datetime | None = None
    kind: WaitKind | None = None
    owner_id: UUID | None = None
    is_unowned: bool | None = None
    is_snoozed: bool | None = None
    is_due: bool | None = None
    """Whether somebody is to be called by now: nobody saw to it in time."""

    def conditions(self, now: datetime) -> Iterator[ColumnElement[bool]]:
        item = DispatchException
        if self.is_open is not None:
            yield item.resolved_at.is_(None) if self.is_open else item.resolved_at.is_not(None)
        if self.reason is not None:
            yield item.reason == self.reason
        if self.lead_id is not None:
            yield item.lead_id == self.lead_id
        if self.raised_before is not None:
            yield item.raised_at < self.raised_before
        if self.kind is not None:
            yield item.reason.in_(self.kind.reasons)
        if self.owner_id is not None:
            yield item.owner_id == self.owner_id
        if self.is_unowned is not None:
            yield item.owner_id.is_(None) if self.is_unowned else item.owner_id.is_not(None)
        sleeps = func.coalesce(item.snoozed_until > now, False)
        if self.is_snoozed is not None:
            yield sleeps if self.is_snoozed else ~sleeps
        is_due = func.coalesce(item.escalate_at <= now, False) & ~sleeps & item.resolved_at.is_(None)
        if self.is_due is not None:
            yield is_due if self.is_due else ~is_due


FREE_SHARES = (
    case(
        *((Dispatch.selected_path == path, path.max_assignments) for path in SelectedPath),
        else_=0,
    )
    - select(func.count())
    .where(
        Assignment.lead_id == Dispatch.lead_id,
        Assignment.status.in_([status for status in AssignmentStatus if status.is_live]),
    )
    .correlate(Dispatch)
    .scalar_subquery()
)
"""Of a dispatch's row: the shares that no installer has, or is about to have."""


async def list_items(
    session: AsyncSession, wanted: ExceptionFilter, page: PageRequest, now: datetime
) -> Sequence[tuple[DispatchException, Dispatch, int]]:
    """Oldest first, each with its lead's dispatch and its free shares; one more than the page holds."""
    query = (
        select(DispatchException, Dispatch, FREE_SHARES)
        .join(Dispatch, Dispatch.lead_id == DispatchException.lead_id)
        .where(*wanted.conditions(now))
    )
    query = page.apply(query, DispatchException.raised_at, DispatchException.id, newest_first=False)
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The open items of one reason."""

    reason: ExceptionReason
    count: int
    oldest_raised_at: datetime


async def open_by_reason(session: AsyncSession) -> list[Waiting]:
    query = (
        select(DispatchException.reason, func.count(), func.min(DispatchException.raised_at))
        .where(DispatchException.resolved_at.is_(None))
        .group_by(DispatchException.reason)
    )
    return [Waiting(*row) for row in await session.execute(query)]


def place_of(item: DispatchException) -> tuple[datetime, UUID]:
    return item.raised_at, item.id
