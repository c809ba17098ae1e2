"""Filters that billing alone has: stretches of its calendar."""

import re
from dataclasses import dataclass
from typing import ClassVar
from zoneinfo import ZoneInfo

from chassis.console.lists.declaration import Expression
from chassis.console.lists.filters import Filter, Held, Sent, Unreadable
from services.billing.domain.periods import FISCAL_QUARTER_PATTERN, MONTH_PATTERN, Period


@dataclass(frozen=True, slots=True)
class Month(Filter):
    """An instant's calendar month of the business, as `2026-03`."""

    column: Expression = None
    pattern: str = MONTH_PATTERN
    hint: str = "2026-03"
    longest: int = 7

    form: ClassVar[str] = "text"

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        asked = _asked(self.name, sent, self.pattern, self.hint)
        return self._held(Period.of_month(asked, zone)) if asked else None

    def _held(self, period: Period) -> Held:
        return Held((self.column >= period.start) & (self.column < period.end), period.name, (period.name,))


@dataclass(frozen=True, slots=True)
class Quarter(Month):
    """A quarter of the Australian fiscal year, as `FY2026-Q3`, which ends in March 2026."""

    pattern: str = FISCAL_QUARTER_PATTERN
    hint: str = "FY2026-Q3"
    longest: int = 9

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        asked = _asked(self.name, sent, self.pattern, self.hint)
        return self._held(Period.of_fiscal_quarter(asked, zone)) if asked else None


def _asked(name: str, sent: Sent, pattern: str, hint: str) -> str | None:
    asked = sent.get(name, ())
    if not asked:
        return None
    if not re.fullmatch(pattern, asked[-1]):
        raise Unreadable(f"not written as {hint}")
    return asked[-1]
