"""Pauses and holidays of installers, with the days they begin and end: nobody has to remember to lift them.

Nothing is made up for when one comes back: only who may have a lead is owed a part of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor
from services.routing.commands.publishing import keep_change, publish
from services.routing.domain.absences import (
    AbsenceObstacle,
    back_at,
    obstacle_to_absence,
    obstacle_to_ending,
    overlaps,
)
from services.routing.domain.states import AbsenceKind
from services.routing.errors import AbsenceExists, AbsenceIsOver, AbsenceOverlaps
from services.routing.models import Installer, InstallerAbsence
from services.routing.queries import absences, installers


@dataclass(frozen=True, slots=True)
class AddAbsence:
    """`absence_id` is made by who asks, so that asking twice adds one.

    `starts_at` None is now, `ends_at` None is not yet known. What would have begun before now begins now: nobody was
    away by a decision that was made.
    """

    absence_id: UUID
    installer_id: UUID
    kind: AbsenceKind
    starts_at: datetime | None
    ends_at: datetime | None
    reason: str
    by: Actor


async def add_absence(session: AsyncSession, command: AddAbsence, now: datetime) -> InstallerAbsence:
    """What is on its way arrives; the installer gets no lead from the first instant on, until the last is over."""
    installer = await installers.locked(session, command.installer_id)
    known = await session.get(InstallerAbsence, command.absence_id)
    if known is not None:
        return _refuse_another(known, command)
    starts_at = max(command.starts_at or now, now)
    others = await absences.not_over(session, [installer.id], now)
    _refuse(obstacle_to_absence(others, starts_at, command.ends_at, now), others, starts_at, command.ends_at)
    added = InstallerAbsence(
        id=command.absence_id,
        installer_id=installer.id,
        kind=command.kind,
        starts_at=starts_at,
        ends_at=command.ends_at,
        reason=command.reason,
        created_by=command.by.name,
        created_at=now,
    )
    session.add(added)
    await publish(session, installer, now, "absences")
    await keep_change(session, command.by, "add_absence", installer, after=_told(added), reason=command.reason)
    return added


def _refuse_another(known: InstallerAbsence, command: AddAbsence) -> InstallerAbsence:
    """A start is not compared: it may have been moved to the instant of the first asking."""
    told = (known.installer_id, known.kind, known.ends_at, known.reason)
    if told != (command.installer_id, command.kind, command.ends_at, command.reason):
        raise AbsenceExists("it was added with other content", absence_id=known.id)
    return known


def _refuse(
    obstacle: AbsenceObstacle | None, others: Sequence[InstallerAbsence], starts_at: datetime, ends_at: datetime | None
) -> None:
    match obstacle:
        case AbsenceObstacle.OVERLAPS:
            met = next(each for each in others if overlaps(each, starts_at, ends_at))
            raise AbsenceOverlaps(obstacle.value, absence_id=met.id)
        case AbsenceObstacle.OVER_BY_THEN:
            raise AbsenceIsOver(obstacle.value)


@dataclass(frozen=True, slots=True)
class EndAbsence:
    installer_id: UUID
    absence_id: UUID
    reason: str
    by: Actor


async def end_absence(session: AsyncSession, command: EndAbsence, now: datetime) -> Installer:
    """The installer gets leads again from now on; one that has not begun never will. Ended twice it is ended once."""
    installer = await installers.locked(session, command.installer_id)
    absence = await absences.get(session, command.installer_id, command.absence_id)
    if absence.ended_at is not None:
        return installer
    if obstacle := obstacle_to_ending(absence, now):
        raise AbsenceIsOver(obstacle.value, absence_id=absence.id)
    before = _told(absence)
    absence.ended_at = now
    await publish(session, installer, now, "absences")
    states: dict[str, Mapping[str, Any]] = {"before": before, "after": {**_told(absence), "ends_at": back_at(absence)}}
    await keep_change(session, command.by, "end_absence", installer, **states, reason=command.reason)
    return installer


def _told(absence: InstallerAbsence) -> dict[str, Any]:
    return {"kind": absence.kind, "starts_at": absence.starts_at, "ends_at": absence.ends_at}
