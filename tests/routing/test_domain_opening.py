"""When an installer is open and opens next: over midnight, over the turn of the clocks, over holidays."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from services.routing.domain.hours import Span, is_open, next_opening
from services.routing.domain.written_hours import hours_of

SYDNEY = ZoneInfo("Australia/Sydney")


def hours(text: str) -> list[Span]:
    return [Span(*each) for each in hours_of(text) or ()]


@pytest.mark.parametrize(
    ("local", "open_then"),
    [
        ("2026-03-06T21:59", False),
        ("2026-03-06T22:00", True),
        ("2026-03-06T23:59:59", True),
        ("2026-03-07T00:00", True),
        ("2026-03-07T01:59:59", True),
        ("2026-03-07T02:00", False),
    ],
)
def test_a_night_is_a_span_of_each_of_its_days(local: str, open_then: bool) -> None:
    assert is_open(hours("Fri 22:00-24:00\nSat 0:00-2:00"), datetime.fromisoformat(local)) is open_then


@pytest.mark.parametrize(
    ("written", "after", "opens"),
    [
        # The clocks go back on Sunday 5 April at 3:00: seven o'clock is an hour later than the day before.
        ("Sat-Sun 7:00-12:00", "2026-04-04T05:00", "2026-04-03T20:00"),
        ("Sat-Sun 7:00-12:00", "2026-04-04T13:00", "2026-04-04T21:00"),
        # They leap from 2:00 to 3:00 on Sunday 4 October: what would open in between opens as they land.
        ("Sun 2:30-9:00", "2026-10-03T20:00", "2026-10-03T16:30"),
        ("Sun 2:00-2:30, 8:00-9:00", "2026-10-04T03:30", "2026-10-03T21:00"),
        ("Mon 7:00-18:00", "2026-03-02T18:00", "2026-03-08T20:00"),
    ],
)
def test_opens_when_the_clock_on_the_wall_says_so(written: str, after: str, opens: str) -> None:
    told = next_opening(hours(written), datetime.fromisoformat(after), SYDNEY)
    assert told == datetime.fromisoformat(opens).replace(tzinfo=UTC)


def test_passes_over_holidays_and_gives_up_beyond_the_days_ahead() -> None:
    monday = hours("Mon 7:00-18:00")
    after = datetime.fromisoformat("2026-03-07T12:00")
    assert next_opening(monday, after, SYDNEY, [date(2026, 3, 9)]) == datetime(2026, 3, 15, 20, tzinfo=UTC)
    assert next_opening(monday, after, SYDNEY, [date(2026, 3, 9), date(2026, 3, 16)]) is None
    assert not is_open(monday, datetime.fromisoformat("2026-03-09T12:00"), [date(2026, 3, 9)])
