"""The exception queue."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, and_, case, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from contracts.values import SelectedPath
from services.routing.domain.states import AssignmentStatus, ExceptionReason
from services.routing.domain.waiting import WaitKind
from services.routing.errors import NoSuchException
from services.routing.models import Assignment, Dispatch, DispatchException, KnownOperator
from services.routing.queries.arrays import among
from services.routing.queries.operators import MAY_OWN

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


async def tries_spent(
    session: AsyncSession, lead_ids: Collection[UUID]
) -> Mapping[tuple[UUID, datetime, ExceptionReason], int]:
    """How often each lead was tried by itself for what is settled, by since when it waited and why."""
    if not lead_ids:
        return {}
    item = DispatchException
    query = (
        select(item.lead_id, item.waits_since, item.reason, func.max(item.retries_done))
        .where(among(item.lead_id, lead_ids), item.resolved_at.is_not(None))
        .group_by(item.lead_id, item.waits_since, item.reason)
    )
    return {(row[0], row[1], row[2]): row[3] for row in await session.execute(query)}


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
    """The longest waiting first, each with its lead's dispatch and its free shares; one more than the page holds."""
    query = (
        select(DispatchException, Dispatch, FREE_SHARES)
        .join(Dispatch, Dispatch.lead_id == DispatchException.lead_id)
        .where(*wanted.conditions(now))
    )
    query = page.apply(query, DispatchException.waits_since, DispatchException.id, newest_first=False)
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


IS_OPEN = DispatchException.resolved_at.is_(None)


def is_awake(now: datetime) -> ColumnElement[bool]:
    """What was snoozed wakes by itself."""
    return or_(DispatchException.snoozed_until.is_(None), DispatchException.snoozed_until <= now)


def is_due_for_retry(now: datetime, fresh_since: datetime) -> ColumnElement[bool]:
    """What has waited since before `fresh_since` is not given away by itself any more."""
    return and_(
        IS_OPEN, DispatchException.next_retry_at <= now, DispatchException.waits_since > fresh_since, is_awake(now)
    )


def is_due_for_escalation(now: datetime) -> ColumnElement[bool]:
    not_yet = DispatchException.escalated_at.is_(None)
    return and_(IS_OPEN, not_yet, DispatchException.escalate_at <= now, is_awake(now))


def is_cold(now: datetime, fresh_since: datetime) -> ColumnElement[bool]:
    """It would be given away by itself still, and has waited for too long."""
    wanted = DispatchException.next_retry_at.is_not(None)
    return and_(IS_OPEN, wanted, DispatchException.waits_since <= fresh_since, is_awake(now))


def is_late(now: datetime) -> ColumnElement[bool]:
    """Nobody's past its limit."""
    nobodys = DispatchException.owner_id.is_(None)
    return and_(IS_OPEN, nobodys, DispatchException.escalate_at <= now, is_awake(now))


def is_of_who_left() -> ColumnElement[bool]:
    """Its owner may own nothing any more. Of whom nothing was told yet, nobody knows that they left."""
    left = select(KnownOperator.operator_id).where(~MAY_OWN)
    return and_(IS_OPEN, DispatchException.owner_id.in_(left))


async def lock_some(
    session: AsyncSession, those: ColumnElement[bool], most: int
) -> list[tuple[DispatchException, Dispatch]]:
    """The longest waiting of them, with their leads' dispatches locked. What others hold is left to them; of what has
    changed since the locks were waited for nothing is told.
    """
    if not (await session.execute(select(DispatchException.id).where(those).limit(1))).all():
        return []
    query = (
        select(DispatchException.id, Dispatch)
        .join(Dispatch, Dispatch.lead_id == DispatchException.lead_id)
        .where(those)
        .order_by(DispatchException.waits_since, DispatchException.id)
        .limit(most)
        .with_for_update(of=Dispatch, skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    locked = {row.id: row.Dispatch for row in await session.execute(query)}
    # Read again under the locks: another worker may just have seen to one.
    again = select(DispatchException).where(those, among(DispatchException.id, locked))
    found = await session.scalars(again.order_by(DispatchException.waits_since, DispatchException.id))
    return [(item, locked[item.id]) for item in found]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The open items of one reason, and since when the longest waiting of them does."""

    reason: ExceptionReason
    count: int
    since: datetime


async def open_by_reason(session: AsyncSession, now: datetime) -> list[Waiting]:
    """Of those that are awake."""
    query = (
        select(DispatchException.reason, func.count(), func.min(DispatchException.waits_since))
        .where(IS_OPEN, is_awake(now))
        .group_by(DispatchException.reason)
    )
    return [Waiting(*row) for row in await session.execute(query)]


async def open_at(session: AsyncSession, at: Sequence[datetime]) -> list[int]:
    """How many were in the queue at each of the instants, whether somebody had put them off or not."""
    instants = func.unnest(literal(list(at), ARRAY(DateTime(timezone=True)))).table_valued("at").render_derived()
    was_there = and_(
        DispatchException.raised_at <= instants.c.at,
        or_(DispatchException.resolved_at.is_(None), DispatchException.resolved_at > instants.c.at),
    )
    query = (
        select(instants.c.at, func.count(DispatchException.id))
        .select_from(instants.outerjoin(DispatchException, was_there))
        .group_by(instants.c.at)
    )
    found = {row[0]: row[1] for row in await session.execute(query)}
    return [found[instant] for instant in at]


def place_of(item: DispatchException) -> tuple[datetime, UUID]:
    return item.waits_since, item.id
