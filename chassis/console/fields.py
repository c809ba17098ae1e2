"""The fields of a form as a room declares them, and what people write in them as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, DecimalException
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from chassis.console.wording import words

LARGEST_CENTS = 10**12
LONGEST_CENTS = 10**30
"""Beyond it what was written is no amount; up to it, one that is too large."""
MINUTES = len("2026-03-31T14:05")
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


class FieldKind(StrEnum):
    """How a field is drawn. MONEY takes dollars, MOMENT a day and a time as the business zone's clocks show them,
    CHOICE and RADIO one of the options (RADIO shows them all), CHOICES any of them.
    """

    LINE = "line"
    PROSE = "prose"
    EMAIL = "email"
    URL = "url"
    MONEY = "money"
    NUMBER = "number"
    DAY = "day"
    MOMENT = "moment"
    CHOICE = "choice"
    RADIO = "radio"
    CHOICES = "choices"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class FormField:
    """`options` are value and label; `value` is what stands in it, for CHOICES the chosen values."""

    name: str
    label: str
    kind: FieldKind = FieldKind.LINE
    value: str | Sequence[str] = ""
    hint: str = ""
    is_required: bool = False
    options: Sequence[tuple[str, str]] = ()
    longest: int = 200


def filled(fields: Sequence[FormField], form: Mapping[str, Any]) -> list[FormField]:
    """The fields with what a form held, as `model_dump(mode="json")` tells it; what it left out is empty."""
    return [replace(each, value=_as_written(each.kind, form.get(each.name))) for each in fields]


def _as_written(kind: FieldKind, value: Any) -> str | Sequence[str]:
    match kind:
        case FieldKind.CHOICES:
            return tuple(str(each) for each in value or ())
        case FieldKind.MONEY:
            return dollars(value)
        case FieldKind.MOMENT:
            return (value or "")[:MINUTES]
        case FieldKind.CHECK:
            return "true" if value else ""
        case _:
            return "" if value is None else str(value)


def options_of(members: type[StrEnum] | Sequence[StrEnum]) -> list[tuple[str, str]]:
    return [(str(member), words(str(member))) for member in members]


def _cents(written: object) -> object:
    """Dollars as people write them: "1,250", "$12.50"."""
    if not isinstance(written, str):
        return written
    try:
        cents = Decimal(written.strip().replace(",", "").removeprefix("$")) * 100
        # Bounded before it is an int: one of a million digits takes minutes to write out.
        is_whole = cents.is_finite() and abs(cents) <= LONGEST_CENTS and cents == cents.to_integral_value()
    except DecimalException:
        is_whole = False
    if not is_whole:
        raise PydanticCustomError("amount_invalid", "Input should be an amount in dollars, as 1250.00")
    return int(cents)


Dollars = Annotated[int, Field(ge=-LARGEST_CENTS, le=LARGEST_CENTS), BeforeValidator(_cents)]
"""Written in dollars, held in cents."""


def _within_reason(written: object) -> object:
    try:
        day = date.fromisoformat(written) if isinstance(written, str) else written
    except ValueError:
        day = None
    if not isinstance(day, date) or not FIRST_DAY <= day <= LAST_DAY:
        raise PydanticCustomError("day_invalid", "Input should be a day from 1970 to 2199, as 2026-03-31")
    return day


Day = Annotated[date, BeforeValidator(_within_reason)]


def _on_the_wall(written: object) -> object:
    try:
        moment = datetime.fromisoformat(written) if isinstance(written, str) and "T" in written else written
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo or not FIRST_DAY <= moment.date() <= LAST_DAY:
        raise PydanticCustomError("moment_invalid", "Input should be a day and a time, as 2026-03-31T14:05")
    return moment


Moment = Annotated[datetime, BeforeValidator(_on_the_wall)]
"""What a clock of the business zone shows, without an offset, as browsers send it: `instant_of` knows the instant."""


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which the day begins where business is done."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which the day is over."""
    return start_of(day + timedelta(days=1), zone)


def instant_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """When the zone's clocks show it: the first time of two, or an hour later where they leap over it."""
    return moment.replace(tzinfo=zone, fold=0).astimezone(UTC)


def moment_of(instant: datetime | None, zone: ZoneInfo) -> str:
    """As a field shows it again."""
    return "" if instant is None else instant.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def dollars(cents: int | None) -> str:
    """As a field shows it again."""
    return "" if cents is None else str(Decimal(cents).scaleb(-2))
