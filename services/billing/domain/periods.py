"""Billing periods and due dates: calendar facts of the business zone, kept as UTC instants."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

MONTH_PATTERN = r"^20\d{2}-(0[1-9]|1[0-2])$"
FISCAL_QUARTER_PATTERN = r"^FY20\d{2}-Q[1-4]$"


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open: `start <= instant < end`. Daylight saving makes a month an hour longer or shorter, never ambiguous."""

    name: str
    start: datetime
    end: datetime

    @classmethod
    def of_month(cls, name: str, zone: ZoneInfo) -> Self:
        """The calendar month `2026-03`."""
        first = date.fromisoformat(f"{name}-01")
        return cls(name, _midnight(first, zone), _midnight(_months_later(first, 1), zone))

    @classmethod
    def of_fiscal_quarter(cls, name: str, zone: ZoneInfo) -> Self:
        """`FY2026-Q3` is January to March 2026: the Australian year is named by the June in which it ends."""
        year, quarter = int(name[2:6]), int(name[8])
        first = _months_later(date(year - 1, 7, 1), 3 * (quarter - 1))
        return cls(name, _midnight(first, zone), _midnight(_months_later(first, 3), zone))

    @classmethod
    def months_until(cls, now: datetime, number: int, zone: ZoneInfo) -> list[Self]:
        """The month of the instant and those before it, the latest first."""
        this = now.astimezone(zone).date().replace(day=1)
        return [cls.of_month(f"{_months_later(this, -back):%Y-%m}", zone) for back in range(number)]

    def months_before(self, number: int, zone: ZoneInfo) -> datetime:
        """When the month began that lies so many before it."""
        return _midnight(_months_later(self.start.astimezone(zone).date(), -number), zone)

    def days(self, zone: ZoneInfo) -> tuple[date, date]:
        """The first and the last day of it."""
        last = self.end.astimezone(zone).date() - timedelta(days=1)
        return self.start.astimezone(zone).date(), last

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def has_ended(self, now: datetime) -> bool:
        return now >= self.end


def month_name(period: str) -> str:
    """`2026-03` as March 2026."""
    return f"{date.fromisoformat(f'{period}-01'):%B %Y}"


def due_at(issued_at: datetime, terms_days: int, zone: ZoneInfo) -> datetime:
    """The last second of the due day: a payment on that day is in time wherever its hour falls."""
    return last_second(issued_at.astimezone(zone).date() + timedelta(days=terms_days), zone)


def last_second(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(23, 59, 59), zone).astimezone(UTC)


def days_overdue(due: datetime, now: datetime, zone: ZoneInfo) -> int:
    """Whole calendar days past the due day; zero or less while it is not overdue."""
    return (now.astimezone(zone).date() - due.astimezone(zone).date()).days


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _months_later(first: date, months: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)
