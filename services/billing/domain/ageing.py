"""Ageing by due day: how long what is owed has been due, in calendar days of the business."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Age(StrEnum):
    """The day on which it is due is not overdue yet."""

    NOT_DUE = "not_due"
    TO_30 = "to_30"
    TO_60 = "to_60"
    TO_90 = "to_90"
    OVER_90 = "over_90"

    @property
    def days(self) -> tuple[int | None, int | None]:
        """The fewest and the most days overdue; None where there is no limit."""
        return _DAYS[self]


_DAYS: Mapping[Age, tuple[int | None, int | None]] = {
    Age.NOT_DUE: (None, 0),
    Age.TO_30: (1, 30),
    Age.TO_60: (31, 60),
    Age.TO_90: (61, 90),
    Age.OVER_90: (91, None),
}


def age_of(days_overdue: int) -> Age:
    return next(age for age in reversed(Age) if age.days[0] is None or days_overdue >= age.days[0])


def due_between(age: Age, on: date) -> tuple[date | None, date | None]:
    """The first and the last day on which something of that age is due, seen from a day."""
    fewest, most = age.days
    return None if most is None else on - timedelta(most), None if fewest is None else on - timedelta(fewest)


@dataclass(frozen=True, slots=True)
class Aged:
    """What is owed by its age, in the order of `Age`; beside it what the customer has with us and is not applied.

    `disputed_cents` is in what is owed: what credits that nobody has decided yet would take off it.
    """

    owed_cents: Sequence[int]
    customer_credit_cents: int = 0
    disputed_cents: int = 0

    @property
    def total_cents(self) -> int:
        return sum(self.owed_cents)

    @property
    def overdue_cents(self) -> int:
        return sum(self.owed_cents[1:])

    @property
    def over_30_cents(self) -> int:
        """Overdue by 31 days and more."""
        return sum(self.owed_cents[2:])

    def less(self, part: "Aged") -> "Aged":
        """What is left without a part of it."""
        owed = [whole - taken for whole, taken in zip(self.owed_cents, part.owed_cents, strict=True)]
        return Aged(
            owed,
            self.customer_credit_cents - part.customer_credit_cents,
            self.disputed_cents - part.disputed_cents,
        )


def sum_of(aged: Sequence[Aged]) -> Aged:
    columns = [sum(cents) for cents in zip(*(each.owed_cents for each in aged), strict=True)] or [0] * len(Age)
    return Aged(
        columns,
        sum(each.customer_credit_cents for each in aged),
        sum(each.disputed_cents for each in aged),
    )
