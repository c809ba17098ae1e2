"""Where the figures of a scorecard lead: to the rows of its own days alone, as many as the figure says."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Date, Row, cast, func

from chassis.console.listing import NOW, ZONE
from services.routing.pages.telling import ASSIGNMENTS, EXCEPTIONS
from services.routing.queries.scores import DAYS

_TODAY = cast(func.timezone(ZONE, NOW), Date)
SPAN: dict[str, Any] = {"first_day": _TODAY - (DAYS - 1), "last_day": _TODAY}
"""Of a list's `also`, for the doors of its rows."""


@dataclass(frozen=True, slots=True)
class Doors:
    """`whose` narrows the lists to what the figures are of, as `in=VIC`; both days are in the span."""

    whose: str
    first: date
    last: date

    @property
    def delivered(self) -> str:
        return f"{ASSIGNMENTS}?{self.whose}&status=sent&status=returned&{self._days('given')}"

    @property
    def returned(self) -> str:
        return f"{ASSIGNMENTS}?{self.whose}&status=returned&{self._days('given')}"

    @property
    def raised(self) -> str:
        return f"{EXCEPTIONS}?{self.whose}&{self._days('raised')}"

    def _days(self, name: str) -> str:
        return f"{name}_from={self.first}&{name}_to={self.last}"


def doors_of(whose: str, now: datetime, zone: ZoneInfo) -> Doors:
    today = now.astimezone(zone).date()
    return Doors(whose, today - timedelta(days=DAYS - 1), today)


def of_row(whose: str, row: Row[Any]) -> Doors:
    return Doors(whose, row.first_day, row.last_day)
