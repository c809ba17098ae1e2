"""When jobs are due, across daylight saving."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.schedule import daily, weekly

SYDNEY = ZoneInfo("Australia/Sydney")
MONDAYS = weekly(0, time(9), SYDNEY)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


class TestWeekly:
    @given(instants)
    def test_is_the_first_monday_nine_oclock_after_the_instant(self, instant: datetime) -> None:
        due = MONDAYS(instant)
        local = due.astimezone(SYDNEY)
        assert (local.weekday(), local.time()) == (0, time(9))
        assert timedelta(0) < due - instant <= timedelta(days=7, hours=1)

    @given(instants)
    def test_the_next_after_a_due_instant_is_another_week(self, instant: datetime) -> None:
        due = MONDAYS(instant)
        assert MONDAYS(due).astimezone(SYDNEY).date() == due.astimezone(SYDNEY).date() + timedelta(days=7)

    @pytest.mark.parametrize(
        ("before", "due"),
        [
            # Daylight saving ends on Sunday 5 April 2026 and begins on Sunday 4 October 2026.
            ("2026-03-30T12:00+00:00", "2026-04-05T23:00+00:00"),
            ("2026-09-30T12:00+00:00", "2026-10-04T22:00+00:00"),
        ],
    )
    def test_daylight_saving_moves_the_instant_and_not_the_wall_clock(self, before: str, due: str) -> None:
        assert MONDAYS(datetime.fromisoformat(before)) == datetime.fromisoformat(due)


class TestDaily:
    @given(instants)
    def test_comes_once_a_calendar_day(self, instant: datetime) -> None:
        due = daily(time(6, 30), SYDNEY)(instant)
        assert due > instant
        assert due.astimezone(SYDNEY).time() == time(6, 30)
        assert due.astimezone(SYDNEY).date() - instant.astimezone(SYDNEY).date() <= timedelta(days=1)
