"""How the pages say instants, spans and money: always the same, in the business zone, for the eye and for a reader."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from chassis.clock import Clock

MINUS, DASH = "−", "–"  # noqa: RUF001
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = 24 * 3600
_SPANS = (
    (365 * _DAY, "year", "years"),
    (30 * _DAY, "month", "months"),
    (_DAY, "day", "days"),
    (3600, "h", "h"),
    (60, "min", "min"),
)
"""In seconds: a page tells hundreds of spans, and to divide a timedelta takes ten times as long."""


class Wording:
    def __init__(self, zone: ZoneInfo, clock: Clock) -> None:
        self.zone = zone
        self._clock = clock

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"exact": self.exact, "ago": self.ago, **TOLD}

    def exact(self, instant: datetime | None) -> str:
        """As "22 Nov 2026, 9:05 am"; the zone stands in the page's header."""
        return DASH if instant is None else told_instant(instant, self.zone)

    def ago(self, instant: datetime | None) -> Markup:
        """Relative, with the exact instant for who asks; of what has yet to come in how long it does."""
        if instant is None:
            return Markup(DASH)  # noqa: S704  # our own
        now = self._clock.now()
        told = f"in {span(instant - now)}" if instant > now else f"{span(now - instant)} ago"
        exact = self.exact(instant)
        return Markup(f'<time datetime="{instant.isoformat()}" title="{exact}">{told}</time>')  # noqa: S704  # our own


def told_instant(instant: datetime, zone: ZoneInfo) -> str:
    local = instant.astimezone(zone)
    hour = local.hour
    return f"{calendar_day(local)}, {hour % 12 or 12}:{local.minute:02d} {'am' if hour < 12 else 'pm'}"


def calendar_day(local: date) -> str:
    """As "22 Nov 2026", whatever the machine's language is."""
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def span(length: timedelta) -> str:
    """As "3 h" or "12 days": the largest unit of which there is one, rounded down."""
    seconds = length.days * _DAY + length.seconds
    for unit, one, many in _SPANS:
        if seconds >= unit:
            return counted(seconds // unit, one, many)
    return "under 1 min"


def money(cents: int | None) -> str:
    """Two decimals, a true minus, a dash for nothing; the currency stands once per column."""
    if not cents:
        return DASH
    return f"{MINUS if cents < 0 else ''}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


@lru_cache(1_000)
def words(name: str) -> str:
    """A state's or reason's word of the API as a sentence's: `no_eligible_installer` is "No eligible installer"."""
    told = plain(str(name)).replace("-", " ")
    return told[:1].upper() + told[1:]


def counted(number: int, one: str, many: str) -> str:
    """As "1 lead" and "1,204 leads"."""
    return f"{number:,} {one if number == 1 else many}"


def sentence(text: str) -> str:
    """What a rule or a fault says, as a sentence begins, and without underscores."""
    told = plain(text)
    return told[:1].upper() + told[1:]


def plain(text: str) -> str:
    """A sentence in which words of the API stand, without their underscores."""
    return text.replace("_", " ")


TOLD: Mapping[str, Callable[..., str]] = {
    each.__name__: each for each in (span, money, words, counted, sentence, plain)
}
