"""Receivables over time: why a snapshot of them was taken, and how one compares with another."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.billing.domain.ageing import Aged
from services.billing.domain.periods import Period


class SnapshotKind(StrEnum):
    """`month_end` is as of the last instant of a month, `month_issued` after its invoices went out."""

    WEEKLY = "weekly"
    MONTH_END = "month_end"
    MONTH_ISSUED = "month_issued"
    BY_HAND = "by_hand"

    @property
    def is_of_a_month(self) -> bool:
        return self in {SnapshotKind.MONTH_END, SnapshotKind.MONTH_ISSUED}


@dataclass(frozen=True, slots=True)
class Trend:
    """A figure now and as it was before; None where there is nothing to compare with."""

    title: str
    cents: int
    before_cents: int | None

    @property
    def delta_cents(self) -> int | None:
        return None if self.before_cents is None else self.cents - self.before_cents


def trends(now: Aged, before: Aged | None) -> Iterator[Trend]:
    then = before or Aged((), 0)
    figures = (
        ("Outstanding", now.total_cents, then.total_cents),
        ("Overdue", now.overdue_cents, then.overdue_cents),
        ("Overdue 31 days and more", now.over_30_cents, then.over_30_cents),
    )
    for title, cents, before_cents in figures:
        yield Trend(title, cents, None if before is None else before_cents)


def week_began(instant: datetime, zone: ZoneInfo) -> datetime:
    """When the Monday of the instant's week began where business is done."""
    day = instant.astimezone(zone).date()
    return datetime.combine(day - timedelta(days=day.weekday()), time(), zone)


def month_of(as_of: datetime, zone: ZoneInfo) -> Period:
    """The month that the last instant before `as_of` lies in."""
    return Period.months_until(as_of - timedelta(microseconds=1), 1, zone)[0]


def ended_months(first: datetime, now: datetime, zone: ZoneInfo) -> list[Period]:
    """Every month from the one that holds `first` to the last that has ended, the first one first."""
    months = []
    month = Period.months_until(first, 1, zone)[0]
    while month.has_ended(now):
        months.append(month)
        month = Period.months_until(month.end, 1, zone)[0]
    return months
