"""A calendar month as callers name it: by its name, or by the two instants between which it lies."""

from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from chassis.errors import FieldError, Invalid
from chassis.http import AwareInstant, Body
from services.billing.domain.periods import Period
from services.billing.http.fields import Month

InstallerIds = Annotated[list[UUID], Field(min_length=1, max_length=500)]


class NotAMonth(Invalid):
    """A period is a calendar month of the business, from its first instant to the first of the next."""

    code = "not_a_month"
    title = "The period is no month"


class MonthBody(Body):
    """A calendar month of the business, as `2026-03` or by both its instants; all installers, unless some are named."""

    period: Month | None = None
    period_start: AwareInstant | None = None
    period_end: Annotated[AwareInstant | None, Field(description="the first instant that is not in it")] = None
    installer_ids: InstallerIds | None = None

    def month(self, zone: ZoneInfo) -> Period:
        return month_of(self.period, self.period_start, self.period_end, zone)


def month_of(name: str | None, start: datetime | None, end: datetime | None, zone: ZoneInfo) -> Period:
    """By the name where it is given; where the instants are given too, they have to be its own."""
    if name is None and start is None:
        fault = FieldError("period", "missing", "Name a month as 2026-03, or give period_start and period_end")
        raise NotAMonth("no month is named", errors=(fault,))
    month = Period.of_month(name or f"{start.astimezone(zone):%Y-%m}", zone)  # type: ignore[union-attr]
    given = (("period_start", start, month.start), ("period_end", end, month.end))
    faults = [
        FieldError(field, "not_a_month", f"the month {month.name} has {whole.isoformat()} there")
        for field, instant, whole in given
        if instant != whole and (instant is not None or name is None)
    ]
    if faults:
        raise NotAMonth("the instants are not those of a month of the business", errors=tuple(faults))
    return month
