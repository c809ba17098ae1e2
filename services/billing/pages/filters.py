"""Filters that billing alone has: stretches of its calendar, and what a snapshot of the receivables holds."""

import re
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from chassis.console.lists.declaration import Expression
from chassis.console.lists.filters import Exact, Filter, Held, Sent, Unreadable
from services.billing.domain.periods import FISCAL_QUARTER_PATTERN, MONTH_PATTERN, Period
from services.billing.models import ReceivablesSnapshot


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


@dataclass(frozen=True, slots=True)
class BeforeSnapshot(Exact):
    """What had been posted when a snapshot of the receivables was of; links from it set it."""

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        asked = sent.get(self.name, ())
        if not asked:
            return None
        try:
            snapshot_id = UUID(asked[-1])
        except ValueError:
            raise Unreadable("no id") from None
        as_of = select(ReceivablesSnapshot.as_of).where(ReceivablesSnapshot.id == snapshot_id).scalar_subquery()
        return Held(self.column < as_of, str(snapshot_id)[-8:], (str(snapshot_id),))


def _asked(name: str, sent: Sent, pattern: str, hint: str) -> str | None:
    asked = sent.get(name, ())
    if not asked:
        return None
    if not re.fullmatch(pattern, asked[-1]):
        raise Unreadable(f"not written as {hint}")
    return asked[-1]
