"""How far a wall clock is ahead of UTC over some days: all that a decision needs of a time zone's law, as values.

The time zone database changes with every law; what was read of it once stays as it was.
"""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo


class Leap(NamedTuple):
    """As soon as the clock shows `shown`, without an offset, it is `seconds` ahead."""

    shown: datetime
    seconds: int


class Offsets(NamedTuple):
    """`seconds` ahead as the first of the days begins, and as each of the leaps says from there on."""

    seconds: int
    leaps: tuple[Leap, ...] = ()

    @classmethod
    def of(cls, zone: ZoneInfo, first: date, days: int) -> Self:
        """Of so many local days; beyond them as at the end of the last."""
        midnights = [datetime.combine(first + timedelta(days=ahead), time()) for ahead in range(days + 1)]
        leaps = [
            _leap(zone, day, following)
            for day, following in pairwise(midnights)
            if _ahead(zone, day) != _ahead(zone, following)
        ]
        return cls(_ahead(zone, midnights[0]), tuple(leaps))

    def instant(self, shown: datetime) -> datetime:
        """When the clock shows it: the first time of two, or an hour later where it leaps over it."""
        seconds = self.seconds
        for leap in self.leaps:
            if leap.shown <= shown:
                seconds = leap.seconds
        return (shown - timedelta(seconds=seconds)).replace(tzinfo=UTC)


def _ahead(zone: ZoneInfo, shown: datetime) -> int:
    """Of a time that is shown twice the first is meant; one that is leaped over counts as before the leap."""
    offset = zone.utcoffset(shown)
    assert offset is not None  # noqa: S101  # a zone knows it of any time
    return int(offset.total_seconds())


def _leap(zone: ZoneInfo, before: datetime, after: datetime) -> Leap:
    """The first second at which the clock is ahead otherwise than at `before`, by halves."""
    told = _ahead(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _ahead(zone, middle) == told else (before, middle)
    return Leap(after, _ahead(zone, after))
