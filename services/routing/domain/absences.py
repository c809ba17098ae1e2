"""When an installer is away: one rule for the command, the JSON, the pages and in bulk."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.routing.domain.states import AbsenceKind


class Absence(Protocol):
    """From `starts_at` until just before `ends_at`, or before `ended_at` where it was cut short."""

    @property
    def kind(self) -> AbsenceKind: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime | None: ...
    @property
    def ended_at(self) -> datetime | None: ...


class AbsenceObstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    OVER = "it is over"
    OVERLAPS = "it is away in that time already"
    OVER_BY_THEN = "it would be over already"


def back_at(absence: Absence) -> datetime | None:
    """When it is over, None is not by itself."""
    ends = [at for at in (absence.ends_at, absence.ended_at) if at is not None]
    return min(ends, default=None)


def is_over(absence: Absence, at: datetime) -> bool:
    """One that was cut short before it began never was."""
    back = back_at(absence)
    return back is not None and (back <= at or back <= absence.starts_at)


def is_running(absence: Absence, at: datetime) -> bool:
    return absence.starts_at <= at and not is_over(absence, at)


def overlaps(absence: Absence, starts_at: datetime, ends_at: datetime | None) -> bool:
    back = back_at(absence)
    if back is not None and back <= absence.starts_at:
        return False
    return (back is None or starts_at < back) and (ends_at is None or absence.starts_at < ends_at)


def obstacle_to_absence(
    known: Iterable[Absence], starts_at: datetime, ends_at: datetime | None, now: datetime
) -> AbsenceObstacle | None:
    if ends_at is not None and ends_at <= now:
        return AbsenceObstacle.OVER_BY_THEN
    return AbsenceObstacle.OVERLAPS if any(overlaps(each, starts_at, ends_at) for each in known) else None


def obstacle_to_ending(absence: Absence, now: datetime) -> AbsenceObstacle | None:
    return AbsenceObstacle.OVER if is_over(absence, now) else None
