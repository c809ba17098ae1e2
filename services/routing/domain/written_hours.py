"""Working hours as people write and read them: days and spans of one clock a line. "Mon-Fri 7:00-18:00"."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from contracts.forms import Fault

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
END_OF_DAY = 24 * 60
_DASH = r"\s*(?:-|–|to)\s*"  # noqa: RUF001  # as a word processor writes it
_DAY = "|".join(f"{day}[a-z]*" for day in DAYS)
_LINE = re.compile(rf"((?:{_DAY})(?:(?:{_DASH}|\s*,\s*|\s+)(?:{_DAY}))*)\s*:?\s+(\d.*)", re.IGNORECASE)
_DAYS = re.compile(rf"({_DAY})(?:{_DASH}({_DAY}))?", re.IGNORECASE)
_TIME = r"(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?"
_SPAN = re.compile(rf"{_TIME}{_DASH}{_TIME}", re.IGNORECASE)

Written = list[list[int]]
"""Each `[weekday from 0 for Monday, from minute, to minute]`, in order, none touching another of its day."""


def hours_of(text: str) -> Written | None:
    """None, which is always, where nothing is written. Raises Fault, which names the first line that is no hours."""
    spans: list[list[int]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            spans += _spans_of(number, line.strip())
    return normal_hours(spans) if spans else None


def normal_hours(spans: Iterable[Sequence[int]]) -> Written:
    """The same hours told once: what touches or overlaps is one. What passes midnight is of two days."""
    result: Written = []
    for weekday, opens, closes in sorted(tuple(span) for span in spans):
        if result and result[-1][0] == weekday and opens <= result[-1][2]:
            result[-1][2] = max(result[-1][2], closes)
        else:
            result.append([weekday, opens, closes])
    return result


def lines_of(hours: Sequence[Sequence[int]] | None) -> list[str]:
    """What `hours_of` reads: days that follow each other and open alike are one line."""
    by_day: dict[int, list[str]] = defaultdict(list)
    for weekday, opens, closes in hours or ():
        by_day[weekday].append(f"{clock(opens)}-{clock(closes)}")
    lines = []
    for spans, days in groupby(range(len(DAYS)), key=lambda day: by_day.get(day, [])):
        if spans:
            told = [DAYS[day] for day in days]
            lines.append(f"{told[0]}{f'-{told[-1]}' if len(told) > 1 else ''} {', '.join(spans)}")
    return lines


def clock(minute: int) -> str:
    return f"{minute // 60}:{minute % 60:02d}"


def _spans_of(number: int, line: str) -> Iterator[list[int]]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise _fault(number, "not days and hours, as Mon-Fri 7:00-18:00")
    days = list(_days_of(found[1]))
    for written in found[2].split(","):
        opens, closes = _span_of(number, written.strip())
        yield from ([day, opens, closes] for day in days)


def _days_of(text: str) -> Iterator[int]:
    """A run of days may pass the end of the week: Sat-Mon are three."""
    for first, last in _DAYS.findall(text):
        begin = _weekday(first)
        length = (_weekday(last) - begin) % len(DAYS) if last else 0
        yield from ((begin + ahead) % len(DAYS) for ahead in range(length + 1))


def _weekday(name: str) -> int:
    return DAYS.index(name[:3].capitalize())


def _span_of(number: int, written: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(written)
    if found is None:
        raise _fault(number, "not a span of hours, as 7:00-18:00")
    opens, closes = _minute(number, *found.group(1, 2, 3)), _minute(number, *found.group(4, 5, 6))
    if closes <= opens:
        raise _fault(number, "it closes before it opens: what is after midnight is the next day's, as Sat 0:00-2:00")
    return opens, closes


def _minute(number: int, hour: str, minute: str | None, half: str | None) -> int:
    told, minutes = int(hour), int(minute or 0)
    if half and not 1 <= told <= 12:
        raise _fault(number, "an hour with am or pm is from 1 to 12")
    if half:
        told = told % 12 + (12 if half.lower() == "pm" else 0)
    if minutes > 59 or told * 60 + minutes > END_OF_DAY:
        raise _fault(number, "a day has 24 hours, an hour 60 minutes")
    return told * 60 + minutes


def _fault(number: int, what: str) -> Fault:
    return Fault("hours_unreadable", "Line {number}: {what}", {"number": number, "what": what})
