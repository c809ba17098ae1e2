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


class Figure(StrEnum):
    """What is looked at from week to week."""

    OUTSTANDING = "outstanding"
    OVERDUE = "overdue"
    OVER_30 = "overdue_over_30"

    def of(self, aged: Aged) -> int:
        """In cents."""
        return {
            Figure.OUTSTANDING: aged.total_cents,
            Figure.OVERDUE: aged.overdue_cents,
            Figure.OVER_30: aged.over_30_cents,
        }[self]


@dataclass(frozen=True, slots=True)
class Trend:
    """A figure now and as it was before; None where there is nothing to compare with."""

    figure: Figure
    cents: int
    before_cents: int | None

    @property
    def delta_cents(self) -> int | None:
        return None if self.before_cents is None else self.cents - self.before_cents


def trends(now: Aged, before: Aged | None) -> Iterator[Trend]:
    for figure in Figure:
        yield Trend(figure, figure.of(now), figure.of(before) if before else None)


@dataclass(frozen=True, slots=True)
class WeeklyTrend:
    """A figure now, when the week began and a week before that; None where that was not kept."""

    figure: Figure
    cents: int
    monday_cents: int | None
    monday_before_cents: int | None

    @property
    def since_monday_cents(self) -> int | None:
        return None if self.monday_cents is None else self.cents - self.monday_cents

    @property
    def last_week_cents(self) -> int | None:
        """What the week before this one added to it."""
        if self.monday_cents is None or self.monday_before_cents is None:
            return None
        return self.monday_cents - self.monday_before_cents


def weekly_trends(now: Aged, monday: Aged | None, before: Aged | None) -> list[WeeklyTrend]:
    return [
        WeeklyTrend(
            figure,
            figure.of(now),
            figure.of(monday) if monday else None,
            figure.of(before) if before else None,
        )
        for figure in Figure
    ]


def week_began(instant: datetime, zone: ZoneInfo) -> datetime:
    """When the Monday of the instant's week began where business is done."""
    day = instant.astimezone(zone).date()
    return datetime.combine(day - timedelta(days=day.weekday()), time(), zone)


def week_before(instant: datetime, zone: ZoneInfo) -> datetime:
    """The same time by the business's clock seven days earlier: an hour more or less where it was put between."""
    return instant.astimezone(zone) - timedelta(weeks=1)


def begun_weeks(first: datetime, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """When each week after the one that holds `first` began, until now, the first one first."""
    weeks = []
    monday = week_began(first, zone)
    # Of one zone's clock: a week later is the same midnight, whatever the clock was put to between.
    while (monday := monday + timedelta(weeks=1)) <= now:
        weeks.append(monday)
    return weeks


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
