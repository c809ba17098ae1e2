"""Cap windows by an installer's own wall clock, over daylight saving and at the edges of every window."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.domain.windows import Limits, WallClock, WindowKind, days_in_month, window_at, windows_at
from tests.routing.samples import INSTANTS

SYDNEY = ZoneInfo("Australia/Sydney")
ZONES = [
    "Australia/Sydney",
    "Australia/Perth",
    "Australia/Adelaide",
    "Australia/Lord_Howe",  # moves by half an hour
    "Pacific/Apia",  # left out a whole day in 2011
    "America/Havana",  # its clocks skip and repeat midnight
    "Asia/Beirut",
    "Atlantic/Azores",
    "UTC",
]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestWindowAt:
    @given(INSTANTS, st.sampled_from(ZONES), st.sampled_from(WindowKind))
    def test_holds_its_instant(self, when: datetime, zone: str, kind: WindowKind) -> None:
        window = window_at(kind, when, ZoneInfo(zone))
        assert window.starts_at <= when < window.ends_at

    @given(INSTANTS, st.sampled_from(ZONES), st.sampled_from(WindowKind))
    def test_ends_where_the_next_begins(self, when: datetime, zone: str, kind: WindowKind) -> None:
        window = window_at(kind, when, ZoneInfo(zone))
        following = window_at(kind, window.ends_at, ZoneInfo(zone))
        assert following.starts_at == window.ends_at
        assert window_at(kind, window.ends_at - timedelta(microseconds=1), ZoneInfo(zone)) == window

    @given(INSTANTS, st.sampled_from(ZONES))
    def test_a_day_lies_in_its_week_and_its_month(self, when: datetime, zone: str) -> None:
        windows = windows_at(when, ZoneInfo(zone))
        day = windows[WindowKind.DAY]
        for longer in (windows[WindowKind.WEEK], windows[WindowKind.MONTH]):
            assert longer.starts_at <= day.starts_at < day.ends_at <= longer.ends_at

    def test_a_month_begins_at_local_midnight(self) -> None:
        window = window_at(WindowKind.MONTH, instant("2026-03-03T02:15:04"), SYDNEY)
        assert (window.starts_at, window.ends_at) == (instant("2026-02-28T13:00:00"), instant("2026-03-31T13:00:00"))

    def test_a_month_in_which_the_clocks_go_back_ends_an_hour_later_in_utc(self) -> None:
        window = window_at(WindowKind.MONTH, instant("2026-04-15T00:00:00"), SYDNEY)
        assert (window.starts_at, window.ends_at) == (instant("2026-03-31T13:00:00"), instant("2026-04-30T14:00:00"))

    @pytest.mark.parametrize(
        ("when", "hours"), [("2026-04-04T20:00:00", 25), ("2026-10-03T20:00:00", 23), ("2026-07-01T00:00:00", 24)]
    )
    def test_a_day_is_as_long_as_it_is(self, when: str, hours: int) -> None:
        window = window_at(WindowKind.DAY, instant(when), SYDNEY)
        assert window.ends_at - window.starts_at == timedelta(hours=hours)

    def test_the_same_instant_is_another_day_elsewhere(self) -> None:
        when = instant("2026-03-03T14:00:00")
        sydney = window_at(WindowKind.DAY, when, SYDNEY)
        perth = window_at(WindowKind.DAY, when, ZoneInfo("Australia/Perth"))
        assert sydney.starts_at == instant("2026-03-03T13:00:00")
        assert perth.starts_at == instant("2026-03-02T16:00:00")

    def test_a_week_begins_on_monday(self) -> None:
        sunday_evening = instant("2026-03-08T12:59:59")
        assert window_at(WindowKind.WEEK, sunday_evening, SYDNEY).starts_at == instant("2026-03-01T13:00:00")
        assert window_at(WindowKind.WEEK, sunday_evening + timedelta(seconds=1), SYDNEY).starts_at == instant(
            "2026-03-08T13:00:00"
        )

    def test_a_day_without_a_midnight_begins_when_the_clocks_have_skipped_it(self) -> None:
        beirut = ZoneInfo("Asia/Beirut")
        window = window_at(WindowKind.DAY, instant("2024-03-31T10:00:00"), beirut)
        assert window.starts_at.astimezone(beirut).hour == 1

    def test_counts_the_days_of_a_month(self) -> None:
        assert days_in_month(instant("2028-02-29T10:00:00"), SYDNEY) == 29
        assert days_in_month(instant("2026-02-28T13:00:00"), SYDNEY) == 31


class TestCycleCapacity:
    @pytest.mark.parametrize(
        ("limits", "capacity"),
        [
            (Limits(), None),
            (Limits(month=40), 40),
            (Limits(day=2), 62),
            (Limits(week=7), 31),
            (Limits(day=1, week=4, month=40), 17),
            (Limits(day=5, month=0), 0),
        ],
    )
    def test_is_the_lowest_of_the_limits_stretched_to_the_month(self, limits: Limits, capacity: int | None) -> None:
        assert limits.cycle_capacity(31) == capacity

    def test_each_window_has_its_limit(self) -> None:
        assert [Limits(1, 2, 3).of(kind) for kind in WindowKind] == [1, 2, 3]


class TestWallClock:
    def test_shows_the_time_of_its_zone(self) -> None:
        assert WallClock.of("Australia/Perth") == WallClock(ZoneInfo("Australia/Perth"))

    @pytest.mark.parametrize("name", ["Mars/Olympus", "Australia", "", "../etc/passwd"])
    def test_shows_utc_where_there_is_no_such_zone_and_says_so(self, name: str) -> None:
        assert WallClock.of(name) == WallClock(ZoneInfo("UTC"), is_known=False)
