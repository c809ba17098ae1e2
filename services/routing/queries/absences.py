"""When installers are away, as operators and commands see it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.errors import NoSuchAbsence
from services.routing.models import InstallerAbsence
from services.routing.queries.arrays import among

# PostgreSQL's least of two leaves out what is not known: an open end gives way to where it was cut short.
BACK_AT = func.least(InstallerAbsence.ends_at, InstallerAbsence.ended_at)


def is_not_over(at: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """As domain/absences.py has it."""
    return or_(BACK_AT.is_(None), func.greatest(InstallerAbsence.starts_at, at) < BACK_AT)


async def get(session: AsyncSession, installer_id: UUID, absence_id: UUID) -> InstallerAbsence:
    found = await session.get(InstallerAbsence, absence_id)
    belongs = found is not None and found.installer_id == installer_id
    return NoSuchAbsence.unless(found if belongs else None, "no such absence", absence_id=absence_id)


async def of_installer(session: AsyncSession, installer_id: UUID, limit: int) -> Sequence[InstallerAbsence]:
    """The latest first, of those that are over as well."""
    query = (
        select(InstallerAbsence)
        .where(InstallerAbsence.installer_id == installer_id)
        .order_by(InstallerAbsence.starts_at.desc(), InstallerAbsence.id.desc())
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def not_over(session: AsyncSession, installer_ids: Sequence[UUID], now: datetime) -> Sequence[InstallerAbsence]:
    """Those that run or are to come, the first to begin first."""
    query = (
        select(InstallerAbsence)
        .where(among(InstallerAbsence.installer_id, installer_ids), is_not_over(now))
        .order_by(InstallerAbsence.starts_at, InstallerAbsence.id)
    )
    return (await session.scalars(query)).all()
