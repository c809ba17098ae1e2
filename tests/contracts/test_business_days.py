"""Business days: which count, when so many of them have ended, and how many are left."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.business_days import business_days_until, days_left, end_of_business_days

SYDNEY = ZoneInfo("Australia/Sydney")
ZONES = st.sampled_from([SYDNEY, ZoneInfo("Australia/Perth"), ZoneInfo("Pacific/Auckland")])
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))  # noqa: DTZ001
DAYS = st.integers(1, 60)


@pytest.mark.parametrize(
    ("since", "ends"),
    [
        (datetime(2026, 3, 3, 9, tzinfo=SYDNEY), datetime(2026, 3, 11, tzinfo=SYDNEY)),
        (datetime(2026, 3, 6, 23, 59, tzinfo=SYDNEY), datetime(2026, 3, 14, tzinfo=SYDNEY)),
        (datetime(2026, 3, 7, 9, tzinfo=SYDNEY), datetime(2026, 3, 14, tzinfo=SYDNEY)),
        (datetime(2026, 3, 8, 9, tzinfo=SYDNEY), datetime(2026, 3, 14, tzinfo=SYDNEY)),
    ],
)
def test_five_of_them_end_with_the_fifth_after_the_day(since: datetime, ends: datetime) -> None:
    assert end_of_business_days(since, 5, SYDNEY) == ends


def test_public_holidays_are_counted() -> None:
    """Good Friday and Easter Monday are the first two of them."""
    thursday = datetime(2026, 4, 2, 9, tzinfo=SYDNEY)
    assert end_of_business_days(thursday, 2, SYDNEY) == datetime(2026, 4, 7, tzinfo=SYDNEY)


@given(since=INSTANTS, days=DAYS, later=st.integers(0, 90), zone=ZONES)
def test_each_monday_to_friday_that_passes_takes_one(since: datetime, days: int, later: int, zone: ZoneInfo) -> None:
    ends = end_of_business_days(since, days, zone)
    assert (ends - timedelta(microseconds=1)).astimezone(zone).weekday() < 5
    now = since + timedelta(days=later)
    passed, day = 0, since.astimezone(zone).date()
    while day < now.astimezone(zone).date():
        day += timedelta(days=1)
        passed += day.weekday() < 5
    assert days_left(ends, now, zone) == days - passed


@given(since=INSTANTS, days=DAYS, zone=ZONES)
def test_none_is_left_once_the_last_has_ended(since: datetime, days: int, zone: ZoneInfo) -> None:
    ends = end_of_business_days(since, days, zone)
    assert days_left(ends, ends - timedelta(microseconds=1), zone) == 0
    assert days_left(ends, ends, zone) <= 0


def test_begin_on_a_monday() -> None:
    assert business_days_until(date(2000, 1, 3)) == 1
