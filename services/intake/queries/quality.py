"""What a source's leads are worth: how many were taken, what was refused and why, what became of those taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Date, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.domain import CloseReason, LeadStatus
from services.intake.domain.duplicates import RejectReason
from services.intake.errors import RateLimited
from services.intake.models import Lead, LeadAssignment, SourceRejection

REQUEST = SourceRejection.field == ""
"""A row of a request as a whole, not of one of its faults."""
SENT_BACK = SourceRejection.code == RateLimited.code
"""What came too fast says nothing of what it was, and comes again."""
IS_DOUBLE = or_(Lead.close_reason == CloseReason.DUPLICATE, Lead.reject_reason == RejectReason.DUPLICATE)
"""It was another lead once more: merged into it, or closed or rejected for it."""


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
    """Days are of the zone's calendar; one without any is not there. `faults` come most first."""

    accepted: dict[date, int]
    refused: dict[date, int]
    faults: Sequence[Fault]
    standings: Sequence[Standing]
    duplicates: int
    """Leads that were another once more."""
    returned: int
    """Leads that an installer gave back, or several did."""

    @property
    def leads(self) -> int:
        return sum(self.accepted.values())

    @property
    def refusals(self) -> int:
        """Requests, not their faults; without those that came too fast."""
        return sum(self.refused.values())

    @property
    def sent_back(self) -> int:
        return sum(fault.number for fault in self.faults if fault.code == RateLimited.code)

    @property
    def delivered(self) -> int:
        return sum(standing.number for standing in self.standings if standing.was_delivered)


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


async def quality_of(session: AsyncSession, source_id: UUID, first: datetime, end: datetime, zone: str) -> Quality:
    """Of what came in the half-open window."""
    return Quality(
        accepted=await _accepted(session, source_id, first, end, zone),
        refused=await _refused(session, source_id, first, end, zone),
        faults=await _faults(session, source_id, first, end),
        standings=await _standings(session, source_id, first, end),
        duplicates=await _duplicates(session, source_id, first, end),
        returned=await _returned(session, source_id, first, end),
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


async def _faults(session: AsyncSession, source_id: UUID, first: datetime, end: datetime) -> list[Fault]:
    number = func.sum(SourceRejection.number)
    query = select(SourceRejection.code, SourceRejection.field, number).where(SourceRejection.source_id == source_id)
    window = query.where(SourceRejection.hour >= first, SourceRejection.hour < end)
    grouped = window.group_by(SourceRejection.code, SourceRejection.field)
    rows = await session.execute(grouped.order_by(number.desc(), SourceRejection.code, SourceRejection.field))
    return [Fault(*row) for row in rows]


async def _duplicates(session: AsyncSession, source_id: UUID, first: datetime, end: datetime) -> int:
    query = select(func.count()).where(Lead.source_id == source_id, IS_DOUBLE)
    return (await session.execute(query.where(Lead.received_at >= first, Lead.received_at < end))).scalar_one()


async def _returned(session: AsyncSession, source_id: UUID, first: datetime, end: datetime) -> int:
    query = (
        select(func.count(LeadAssignment.lead_id.distinct()))
        .join(Lead, Lead.id == LeadAssignment.lead_id)
        .where(LeadAssignment.returned_at.is_not(None), Lead.source_id == source_id)
        .where(Lead.received_at >= first, Lead.received_at < end)
    )
    return (await session.execute(query)).scalar_one()


async def _standings(session: AsyncSession, source_id: UUID, first: datetime, end: datetime) -> list[Standing]:
    was_delivered = Lead.delivered_at.is_not(None)
    query = select(Lead.status, was_delivered, Lead.close_reason, func.count()).where(Lead.source_id == source_id)
    window = query.where(Lead.received_at >= first, Lead.received_at < end)
    rows = await session.execute(window.group_by(Lead.status, was_delivered, Lead.close_reason))
    return sorted((Standing(*row) for row in rows), key=lambda standing: (-standing.number, standing.status))
