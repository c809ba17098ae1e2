"""Business days: Monday to Friday where business is done. A public holiday counts as one of them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

CREDIT_DAYS = 5
"""Within so many business days a credit that was asked for is decided."""
FIRST_MONDAY = date(2000, 1, 3)


def business_days_until(day: date) -> int:
    """Since the year 2000, the day itself included; only differences mean something."""
    weeks, weekday = divmod((day - FIRST_MONDAY).days, 7)
    return 5 * weeks + min(weekday + 1, 5)


def days_left(asked_at: datetime, now: datetime, zone: ZoneInfo, days: int = CREDIT_DAYS) -> int:
    """Business days until the last one on which to decide; 0 on that day itself, negative after it."""
    asked_on, today = asked_at.astimezone(zone).date(), now.astimezone(zone).date()
    return business_days_until(asked_on) + days - business_days_until(today)
