"""Installers as a decision reads them."""

from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.versions import Away, Profile
from services.routing.models import Installer, InstallerAbsence
from services.routing.queries.installers import territory_of


async def profile_of(session: AsyncSession, installer: Installer, now: datetime) -> Profile:
    """As it stands in the session, flushed; of its absences those that are not over."""
    return Profile(
        name=installer.name,
        email=installer.email,
        status=installer.status,
        services=tuple(installer.services),
        time_zone=installer.time_zone,
        limits=installer.limits,
        share_weight=installer.share_weight,
        hours=installer.hours,
        home_state=installer.home_state,
        keeps_public_holidays=installer.keeps_public_holidays,
        absences=await _absences(session, installer, now),
        channel=installer.channel,
        territory=await territory_of(session, installer.id),
    )


async def _absences(session: AsyncSession, installer: Installer, now: datetime) -> tuple[Away, ...]:
    """PostgreSQL's least of two leaves out what is not known: an open end gives way to where it was cut short."""
    ends_at = func.least(InstallerAbsence.ends_at, InstallerAbsence.ended_at)
    query = (
        select(InstallerAbsence.starts_at, ends_at.label("ends_at"), InstallerAbsence.kind)
        .where(
            InstallerAbsence.installer_id == installer.id,
            or_(ends_at.is_(None), ends_at > func.greatest(InstallerAbsence.starts_at, now)),
        )
        .order_by(InstallerAbsence.starts_at, InstallerAbsence.id)
    )
    return tuple(Away(row.starts_at, row.ends_at, row.kind) for row in await session.execute(query))
