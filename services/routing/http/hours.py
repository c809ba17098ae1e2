"""Working hours as JSON tells them: one span of one weekday each, by the installer's own clock."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from chassis.http import Body
from services.routing.domain.written_hours import END_OF_DAY

LONGEST_HOURS = 100


class Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


_WEEKDAYS = tuple(Weekday)
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", max_length=5)]


class SpanShape(Body):
    """Half-open. What passes midnight is two: one that closes at 24:00, and one of the next day."""

    weekday: Weekday
    opens: ClockTime = Field(examples=["07:00"])
    closes: ClockTime = Field(examples=["18:00"])

    @model_validator(mode="after")
    def _closes_after_it_opens(self) -> "SpanShape":
        if self.closes <= self.opens:
            raise PydanticCustomError("span_reversed", "a span closes after it opens, at 24:00 at the latest")
        return self

    @classmethod
    def of(cls, stored: Sequence[int]) -> "SpanShape":
        weekday, opens, closes = stored
        return cls(weekday=_WEEKDAYS[weekday], opens=_clock(opens), closes=_clock(closes))

    def stored(self) -> list[int]:
        return [_WEEKDAYS.index(self.weekday), _minute(self.opens), _minute(self.closes)]


def stored_hours(spans: Iterable[SpanShape] | None) -> list[list[int]] | None:
    return None if spans is None else [span.stored() for span in spans]


def _told(stored: Any) -> Any:
    return None if stored is None else [SpanShape.of(each) if isinstance(each, list) else each for each in stored]


HoursTold = Annotated[list[SpanShape] | None, BeforeValidator(_told)]
"""Of the column, as it is stored."""


def _clock(minute: int) -> str:
    assert 0 <= minute <= END_OF_DAY  # noqa: S101  # of what was read by SpanShape or by the page's form
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
