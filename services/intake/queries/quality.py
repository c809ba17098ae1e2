"""What a source's leads are worth: how many were taken, what was refused and why, what became of those taken."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.domain import CloseReason, LeadStatus
from services.intake.errors import RateLimited
from services.intake.models import Lead, LeadAssignment, SourceRejection
from services.intake.queries.leads import IS_DOUBLE

REQUEST = SourceRejection.field == ""
"""A row of a request as a whole, not of one of its faults."""
SENT_BACK = SourceRejection.code == RateLimited.code
"""What came too fast says nothing of what it was, and comes again."""


class Fault(NamedTuple):
    """A request as a whole where there is no field."""

    code: str
    field: str
    number: int


class Standing(NamedTuple):
    """So many of the leads stand so."""

    status: LeadStatus
    was_delivered: bool
    close_reason: CloseReason | None
    number: int


@dataclass(frozen=True, slots=True)
class Quality:
    """Days are of the zone's calendar, on which it came in; one without any is not there. Faults come most first."""

    accepted: dict[date, int]
    refused: dict[date, int]
    faulty: dict[date, Sequence[Fault]]
    standings: Sequence[Standing]
    doubled: dict[date, int]
    """Leads that were another once more."""
    given_back: dict[date, int]
    """Leads that an installer gave back, or several did."""

    @property
    def leads(self) -> int:
        return sum(self.accepted.values())

    @property
    def refusals(self) -> int:
        """Requests, not their faults; without those that came too fast."""
        return sum(self.refused.values())

    @property
    def duplicates(self) -> int:
        return sum(self.doubled.values())

    @property
    def returned(self) -> int:
        return sum(self.given_back.values())

    @property
    def faults(self) -> Sequence[Fault]:
        numbers: Counter[tuple[str, str]] = Counter()
        for fault in (each for day in self.faulty.values() for each in day):
            numbers[fault.code, fault.field] += fault.number
        return _most_first(Fault(*named, number) for named, number in numbers.items())

    @property
    def sent_back(self) -> int:
        return sum(fault.number for fault in self.faults if fault.code == RateLimited.code)

    @property
    def delivered(self) -> int:
        return sum(standing.number for standing in self.standings if standing.was_delivered)


def _most_first(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: (-fault.number, fault.code, fault.field))


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


async def quality_of(session: AsyncSession, source_id: UUID, first: datetime, end: datetime, zone: str) -> Quality:
    """Of what came in the half-open window."""
    return Quality(
        accepted=await _accepted(session, source_id, first, end, zone),
        refused=await _refused(session, source_id, first, end, zone),
        faulty=await _faulty(session, source_id, first, end, zone),
        standings=await _standings(session, source_id, first, end),
        doubled=await _doubled(session, source_id, first, end, zone),
        given_back=await _given_back(session, source_id, first, end, zone),
    )


async def _accepted(
    session: AsyncSession, source_id: UUID, first: datetime, end: datetime, zone: str
) -> dict[date, int]:
    day = cast(func.timezone(zone, Lead.received_at), Date)
    query = select(day, func.count()).where(Lead.source_id == source_id, Lead.received_at >= first)
    rows = await session.execute(query.where(Lead.received_at < end).group_by(day))
    return {row[0]: row[1] for row in rows}


async def _refused(
    session: AsyncSession, source_id: UUID, first: datetime, end: datetime, zone: str
) -> dict[date, int]:
    day = cast(func.timezone(zone, SourceRejection.hour), Date)
    query = select(day, func.sum(SourceRejection.number)).where(SourceRejection.source_id == source_id)
    window = query.where(SourceRejection.hour >= first, SourceRejection.hour < end)
    rows = await session.execute(window.where(REQUEST, ~SENT_BACK).group_by(day))
    return {row[0]: row[1] for row in rows}


async def _faulty(
    session: AsyncSession, source_id: UUID, first: datetime, end: datetime, zone: str
) -> dict[date, Sequence[Fault]]:
    day = cast(func.timezone(zone, SourceRejection.hour), Date).label("day")
    told = SourceRejection.code, SourceRejection.field
    query = select(day, *told, func.sum(SourceRejection.number)).where(SourceRejection.source_id == source_id)
    window = query.where(SourceRejection.hour >= first, SourceRejection.hour < end)
    rows = await session.execute(window.group_by(day, *told).order_by(day))
    return {on: _most_first(Fault(*row[1:]) for row in those) for on, those in groupby(rows, itemgetter(0))}


async def _doubled(
    session: AsyncSession, source_id: UUID, first: datetime, end: datetime, zone: str
) -> dict[date, int]:
    day = cast(func.timezone(zone, Lead.received_at), Date)
    query = select(day, func.count()).where(Lead.source_id == source_id, IS_DOUBLE)
    rows = await session.execute(query.where(Lead.received_at >= first, Lead.received_at < end).group_by(day))
    return {row[0]: row[1] for row in rows}


async def _given_back(
    session: AsyncSession, source_id: UUID, first: datetime, end: datetime, zone: str
) -> dict[date, int]:
    day = cast(func.timezone(zone, Lead.received_at), Date)
    query = (
        select(day, func.count(LeadAssignment.lead_id.distinct()))
        .join(Lead, Lead.id == LeadAssignment.lead_id)
        .where(LeadAssignment.returned_at.is_not(None), Lead.source_id == source_id)
        .where(Lead.received_at >= first, Lead.received_at < end)
        .group_by(day)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def _standings(session: AsyncSession, source_id: UUID, first: datetime, end: datetime) -> list[Standing]:
    was_delivered = Lead.delivered_at.is_not(None)
    query = select(Lead.status, was_delivered, Lead.close_reason, func.count()).where(Lead.source_id == source_id)
    window = query.where(Lead.received_at >= first, Lead.received_at < end)
    rows = await session.execute(window.group_by(Lead.status, was_delivered, Lead.close_reason))
    return sorted((Standing(*row) for row in rows), key=lambda standing: (-standing.number, standing.status))
