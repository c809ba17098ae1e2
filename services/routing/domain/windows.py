"""Cap windows: the day, the week (from Monday) and the month of an instant, by the installer's own wall clock.

A window is half-open and kept as UTC instants, so daylight saving makes a day of 23 or 25 hours and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.routing.domain.hours import DAYS_AHEAD
from services.routing.domain.offsets import Offsets


class WindowKind(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Window:
    kind: WindowKind
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """How many leads an installer takes per window; None is no limit, 0 takes none."""

    day: int | None = None
    week: int | None = None
    month: int | None = None

    def of(self, kind: WindowKind) -> int | None:
        match kind:
            case WindowKind.DAY:
                return self.day
            case WindowKind.WEEK:
                return self.week
            case WindowKind.MONTH:
                return self.month

    def cycle_capacity(self, cycle_days: int) -> int | None:
        """The leads of a whole monthly cycle: the lowest of the limits, a day's and a week's stretched to the month."""
        stretched = (
            None if self.day is None else self.day * cycle_days,
            None if self.week is None else self.week * cycle_days // 7,
            self.month,
        )
        return min((limit for limit in stretched if limit is not None), default=None)


@dataclass(frozen=True, slots=True)
class WallClock:
    """An installer's. Where the time zone database has no such zone any more it shows UTC, and `is_known` is false.

    Nothing is given by it then; what was given is still told and moved.
    """

    zone: ZoneInfo
    is_known: bool = True

    @classmethod
    def of(cls, name: str) -> "WallClock":
        try:
            return cls(ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return cls(ZoneInfo("UTC"), is_known=False)


def window_at(kind: WindowKind, instant: datetime, zone: ZoneInfo) -> Window:
    """The window of `kind` that contains `instant`."""
    first, following = _days(kind, instant.astimezone(zone).date())
    return Window(kind, _midnight(first, zone), _midnight(following, zone))


def windows_at(instant: datetime, zone: ZoneInfo) -> Mapping[WindowKind, Window]:
    return {kind: window_at(kind, instant, zone) for kind in WindowKind}


def days_in_month(instant: datetime, zone: ZoneInfo) -> int:
    first, following = _days(WindowKind.MONTH, instant.astimezone(zone).date())
    return (following - first).days


def _days(kind: WindowKind, day: date) -> tuple[date, date]:
    """The first local day of the window, and the first one after it."""
    match kind:
        case WindowKind.DAY:
            return day, day + timedelta(days=1)
        case WindowKind.WEEK:
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=7)
        case WindowKind.MONTH:
            first = day.replace(day=1)
            return first, (first + timedelta(days=31)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which the local day begins; where the clocks skip midnight, the instant of the skip."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as the clocks of a zone show it, with the windows that hold it.

    Where the zone is not known it is told by UTC, and nobody can say when its windows began.
    """

    time_zone: str
    local: datetime
    """Naive, as the clock on the wall."""
    windows: Mapping[WindowKind, Window]
    offsets: Offsets
    """From the local day on, over the days ahead in which an opening is looked for."""
    is_known: bool = True

    @classmethod
    def at(cls, instant: datetime, time_zone: str) -> "Moment":
        clock = WallClock.of(time_zone)
        local = instant.astimezone(clock.zone).replace(tzinfo=None)
        return cls(time_zone, local, windows_at(instant, clock.zone), offsets_ahead(clock, local), clock.is_known)

    @property
    def cycle_days(self) -> int:
        first, following = _days(WindowKind.MONTH, self.local.date())
        return (following - first).days


def offsets_ahead(clock: WallClock, local: datetime) -> Offsets:
    """Of the days that `next_opening` looks at, as the time zone database has them now."""
    return Offsets.of(clock.zone, local.date(), DAYS_AHEAD + 1)


def span_of(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the first local day's beginning to just before the day after the last."""
    return _midnight(first, zone), _midnight(last + timedelta(days=1), zone)
