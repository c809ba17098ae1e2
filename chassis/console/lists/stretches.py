"""Stretches of days that have a word: a view that is kept under one moves along with the calendar."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, DateTime, Interval, and_, func, literal_column

from chassis.console.lists.declaration import NOW, ZONE, Expression


@dataclass(frozen=True, slots=True)
class Stretch:
    """Counted in whole units from the one that it is: the first of them, and the one that is no part of it any more."""

    label: str
    unit: Literal["day", "week", "month"]
    first: int
    end: int

    @property
    def told(self) -> str:
        return self.label[:1].lower() + self.label[1:]

    def holds(self, column: Expression) -> ColumnElement[bool]:
        """By the clock and the business zone of whoever reads the list, and not of whoever made its address."""
        return and_(column >= self._begin(self.first), column < self._begin(self.end))

    def _begin(self, units: int) -> ColumnElement[datetime]:
        present = func.date_trunc(self.unit, func.timezone(ZONE, NOW), type_=DateTime())
        wall = present + literal_column(f"INTERVAL '{units} {self.unit}'", Interval())
        return func.timezone(ZONE, wall, type_=DateTime(timezone=True))


BEHIND: Mapping[str, Stretch] = {
    "today": Stretch("Today", "day", 0, 1),
    "yesterday": Stretch("Yesterday", "day", -1, 0),
    "last_7_days": Stretch("Last 7 days", "day", -6, 1),
    "last_30_days": Stretch("Last 30 days", "day", -29, 1),
    "this_week": Stretch("This week", "week", 0, 1),
    "last_week": Stretch("Last week", "week", -1, 0),
    "this_month": Stretch("This month", "month", 0, 1),
    "last_month": Stretch("Last month", "month", -1, 0),
}
"""Today is the last of the last 7 days. Weeks begin on Monday."""

AHEAD: Mapping[str, Stretch] = {
    **BEHIND,
    "tomorrow": Stretch("Tomorrow", "day", 1, 2),
    "next_7_days": Stretch("Next 7 days", "day", 0, 7),
    "next_week": Stretch("Next week", "week", 1, 2),
}
"""For what is due. Today is the first of the next 7 days."""
