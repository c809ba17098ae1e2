"""Business days, as everyone counts them who promises an answer in some: Monday to Friday where business is done.

Public holidays are counted as business days: what is promised ends on the same day in every state, also where a holiday
is declared afterwards.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FIRST_MONDAY = date(2000, 1, 3)


def business_days_until(day: date) -> int:
    """Since the year 2000, the day itself included; only differences mean something."""
    weeks, weekday = divmod((day - FIRST_MONDAY).days, 7)
    return 5 * weeks + min(weekday + 1, 5)


def end_of_business_days(since: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The instant at which the last of so many business days after the local day of `since` has ended."""
    weeks, weekday = divmod(business_days_until(since.astimezone(zone).date()) + days - 1, 5)
    following = FIRST_MONDAY + timedelta(weeks=weeks, days=weekday + 1)
    return datetime.combine(following, time(), zone).astimezone(UTC)


def days_left(ends_at: datetime, now: datetime, zone: ZoneInfo) -> int:
    """Business days until the last one before `ends_at`; 0 on that day itself, negative after it."""
    last = (ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    return business_days_until(last) - business_days_until(now.astimezone(zone).date())
