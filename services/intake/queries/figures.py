"""How it stands: what waits, and how the leads come in."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Row, Select, and_, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.domain import BoardStatus, LeadStatus
from services.intake.models import Board, Lead, LeadSource
from services.intake.queries.leads import IS_CRITICAL, is_beyond_age, is_late_at


async def late_leads(
    session: AsyncSession, statuses: Iterable[LeadStatus], now: datetime
) -> tuple[int, datetime | None]:
    """How many leads in these statuses are late, and since when they are so, or wait where that is too long."""
    since = func.min(case((is_beyond_age(now), Lead.received_at), else_=Lead.status_since))
    query = select(func.count(), since).where(Lead.status.in_(list(statuses)), is_late_at(now))
    row = (await session.execute(query)).one()
    return row[0], row[1]


async def critical_leads(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many are critical, and since when."""
    row = (await session.execute(select(func.count(), func.min(Lead.critical_since)).where(IS_CRITICAL))).one()
    return row[0], row[1]


async def waiting_boards(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many are open, and since when."""
    query = select(func.count(), func.min(Board.opened_at)).where(Board.status == BoardStatus.OPEN)
    row = (await session.execute(query)).one()
    return row[0], row[1]


def _received(first: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(Lead.received_at >= first, Lead.received_at < end)


async def leads_received(session: AsyncSession, first: datetime, end: datetime) -> tuple[int, int]:
    """How many came in, and how many of them could be placed: they went to an installer, or are on their way."""
    on_their_way = Lead.status.in_([LeadStatus.RECEIVED, LeadStatus.ROUTABLE, LeadStatus.DISPATCHING])
    placed = func.count().filter(or_(Lead.delivered_at.is_not(None), on_their_way))
    row = (await session.execute(select(func.count(), placed).where(_received(first, end)))).one()
    return row[0], row[1]


async def leads_by_day(session: AsyncSession, first: datetime, end: datetime, zone: str) -> dict[date, int]:
    """By the zone's calendar; a day without any is not there."""
    day = cast(func.timezone(zone, Lead.received_at), Date)
    query = select(day, func.count()).where(_received(first, end)).group_by(day)
    return {row[0]: row[1] for row in await session.execute(query)}


async def leads_by_source(
    session: AsyncSession, first: datetime, middle: datetime, end: datetime
) -> Sequence[Row[UUID, str, int, int]]:
    """Id and name of each source with leads in either part, and its leads since the middle and before; most first."""
    now, before = (func.count(case((part, 1))) for part in (Lead.received_at >= middle, Lead.received_at < middle))
    query: Select[UUID, str, int, int] = (
        select(LeadSource.id, LeadSource.name, now, before)
        .join(Lead, Lead.source_id == LeadSource.id)
        .where(_received(first, end))
        .group_by(LeadSource.id)
        .order_by(now.desc(), LeadSource.name)
    )
    return (await session.execute(query)).all()
