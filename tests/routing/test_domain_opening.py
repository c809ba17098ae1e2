"""When an installer is open and opens next: over midnight, over the turn of the clocks, over holidays."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.domain.hours import DAYS_AHEAD, Span, is_open, next_opening
from services.routing.domain.offsets import Offsets
from services.routing.domain.written_hours import hours_of

SYDNEY = ZoneInfo("Australia/Sydney")
ZONES = st.sampled_from(
    ["Australia/Sydney", "Australia/Lord_Howe", "America/Havana", "Atlantic/Azores", "Africa/Casablanca", "UTC"]
).map(ZoneInfo)
SHOWN = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 1))  # noqa: DTZ001  # as a clock on the wall shows it


def ahead(zone: ZoneInfo, local: datetime) -> Offsets:
    return Offsets.of(zone, local.date(), DAYS_AHEAD + 1)


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
    local = datetime.fromisoformat(after)
    told = next_opening(hours(written), local, ahead(SYDNEY, local))
    assert told == datetime.fromisoformat(opens).replace(tzinfo=UTC)


def test_passes_over_holidays_and_gives_up_beyond_the_days_ahead() -> None:
    monday = hours("Mon 7:00-18:00")
    after = datetime.fromisoformat("2026-03-07T12:00")
    offsets = ahead(SYDNEY, after)
    assert next_opening(monday, after, offsets, [date(2026, 3, 9)]) == datetime(2026, 3, 15, 20, tzinfo=UTC)
    assert next_opening(monday, after, offsets, [date(2026, 3, 9), date(2026, 3, 16)]) is None
    assert not is_open(monday, datetime.fromisoformat("2026-03-09T12:00"), [date(2026, 3, 9)])


@given(ZONES, SHOWN, st.integers(0, DAYS_AHEAD * 86_400))
@settings(max_examples=200)
def test_an_instant_is_told_as_the_zone_tells_it(zone: ZoneInfo, local: datetime, later_seconds: int) -> None:
    shown = local + timedelta(seconds=later_seconds)
    assert ahead(zone, local).instant(shown) == shown.replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize("minute", ["01:59", "02:00", "02:30", "02:59", "03:00", "03:01"])
@pytest.mark.parametrize("day", ["2026-04-05", "2026-10-04"])
def test_the_hour_that_is_shown_twice_or_never_is_told_as_the_zone_tells_it(day: str, minute: str) -> None:
    shown = datetime.fromisoformat(f"{day}T{minute}")
    assert ahead(SYDNEY, shown).instant(shown) == shown.replace(tzinfo=SYDNEY).astimezone(UTC)
