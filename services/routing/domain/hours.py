"""When an installer is open: spans of its weekdays, by its own wall clock. Public holidays it may keep are closed."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from services.routing.domain.offsets import Offsets

DAYS_AHEAD = 14
"""How far ahead an opening is looked for; holidays are known as far."""


class Span(NamedTuple):
    """Half-open, in minutes of its day; Monday is 0. It ends at 24:00 at the latest."""

    weekday: int
    from_minute: int
    to_minute: int


Hours = Sequence[Span]
ALL_DAY: Hours = tuple(Span(weekday, 0, 24 * 60) for weekday in range(7))


def is_open(hours: Hours, local: datetime, holidays: Collection[date] = ()) -> bool:
    """`local` is what the installer's clock shows."""
    if local.date() in holidays:
        return False
    minute = local.hour * 60 + local.minute
    return any(s.weekday == local.weekday() and s.from_minute <= minute < s.to_minute for s in hours)


def next_opening(hours: Hours, local: datetime, offsets: Offsets, holidays: Collection[date] = ()) -> datetime | None:
    """The first instant after `local` at which a span begins; None where none does within the days ahead.

    `offsets` are of the clock that shows `local`, for as many days.
    """
    for ahead in range(DAYS_AHEAD + 1):
        day = local.date() + timedelta(days=ahead)
        if day in holidays:
            continue
        for span in sorted(span for span in hours if span.weekday == day.weekday()):
            opening = datetime.combine(day, time(*divmod(span.from_minute, 60)))
            if opening > local:
                return offsets.instant(opening)
    return None
