"""Leads that installers give back: one, those of an assignment, and the list of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.routing.domain.returns import ReturnCode, ReturnState
from services.routing.errors import NoSuchReturn
from services.routing.models import Dispatch, Installer, Return
from services.routing.queries.arrays import among


async def get(session: AsyncSession, return_id: UUID) -> Return:
    """As it stands now, whatever the session had read of it before."""
    return NoSuchReturn.unless(
        await session.get(Return, return_id, populate_existing=True), "no such return", return_id=return_id
    )


async def is_asked_for(session: AsyncSession, assignment_id: UUID) -> bool:
    """One waits to be decided."""
    return assignment_id in await asked_for(session, [assignment_id])


async def asked_for(session: AsyncSession, assignment_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Of which one waits to be decided."""
    query = select(Return.assignment_id).where(among(Return.assignment_id, assignment_ids))
    return frozenset(await session.scalars(query.where(Return.state == ReturnState.REQUESTED)))


async def requested_of(session: AsyncSession, assignment_ids: Collection[UUID]) -> Sequence[Return]:
    """Those that wait to be decided, one of an assignment at the most, as they stand now."""
    query = select(Return).where(among(Return.assignment_id, assignment_ids), Return.state == ReturnState.REQUESTED)
    return (await session.scalars(query.order_by(Return.id).execution_options(populate_existing=True))).all()


async def of_assignment(session: AsyncSession, assignment_id: UUID) -> Sequence[Return]:
    """The latest first."""
    query = select(Return).where(Return.assignment_id == assignment_id)
    return (await session.scalars(query.order_by(Return.requested_at.desc(), Return.id))).all()


@dataclass(frozen=True, slots=True)
class ReturnFilter:
    """What is None does not narrow."""

    state: ReturnState | None = None
    code: ReturnCode | None = None
    installer_id: UUID | None = None
    lead_id: UUID | None = None
    assignment_id: UUID | None = None
    decide_before: datetime | None = None
    is_over_quota: bool | None = None


async def list_returns(session: AsyncSession, wanted: ReturnFilter, page: PageRequest) -> Sequence[Return]:
    """Newest first, one more than the page holds."""
    query = select(Return)
    for column, value in (
        (Return.state, wanted.state),
        (Return.code, wanted.code),
        (Return.installer_id, wanted.installer_id),
        (Return.lead_id, wanted.lead_id),
        (Return.assignment_id, wanted.assignment_id),
        (Return.is_over_quota, wanted.is_over_quota),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.decide_before is not None:
        query = query.where(Return.state == ReturnState.REQUESTED, Return.decide_by < wanted.decide_before)
    return (await session.scalars(page.apply(query, Return.requested_at, Return.id))).all()


def place_of(asked: Return) -> tuple[datetime, UUID]:
    return asked.requested_at, asked.id


async def named(session: AsyncSession, wanted: UUID, most: int) -> Sequence[tuple[Return, Dispatch, str]]:
    """By its own id, its assignment's or its lead's, the newest first, each with its lead and installer's name."""
    query = (
        select(Return, Dispatch, Installer.name)
        .join(Dispatch, Dispatch.lead_id == Return.lead_id)
        .join(Installer, Installer.id == Return.installer_id)
        .where(or_(Return.id == wanted, Return.assignment_id == wanted, Return.lead_id == wanted))
        .order_by(Return.requested_at.desc(), Return.id)
        .limit(most)
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


async def overdue(session: AsyncSession, now: datetime) -> int:
    """How many wait past the day by whose end they were to be decided."""
    query = select(func.count()).where(Return.state == ReturnState.REQUESTED, Return.decide_by <= now)
    return await session.scalar(query) or 0


async def waiting(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many wait to be decided, and since when the oldest does."""
    query = select(func.count(), func.min(Return.requested_at)).where(Return.state == ReturnState.REQUESTED)
    row = (await session.execute(query)).one()
    return row[0], row[1]
