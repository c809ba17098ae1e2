"""How a value is told, by its kind: for the eye in a table or beside its title, and in a CSV for a program."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape

from chassis.console.wording import DASH, MINUS, Wording, calendar_day, money, words


class Kind(StrEnum):
    """MONEY is integer cents, AGO and INSTANT are aware instants, SHARE is a fraction of one."""

    TEXT = "text"
    WORD = "word"
    CHIP = "chip"
    MONEY = "money"
    NUMBER = "number"
    SHARE = "share"
    AGO = "ago"
    INSTANT = "instant"
    DAY = "day"
    ID = "id"
    YES_NO = "yes_no"

    @property
    def is_number(self) -> bool:
        return self in {Kind.MONEY, Kind.NUMBER, Kind.SHARE}


Tones = Mapping[Any, str]
"""By a state's word: `positive`, `warning`, `danger`, `info`; what is missing is neutral."""

_SHORT_ID = 8


@dataclass(frozen=True, slots=True)
class Shown:
    """A value that says itself with its kind; `path` is the door it is."""

    value: Any
    kind: Kind = Kind.TEXT
    tone: str = ""
    path: str = ""
    tones: Tones = field(default_factory=dict)

    def html(self, wording: Wording) -> Markup:
        shown = html_of(self.kind, self.value, wording, self.tone or self.tones.get(str(self.value), ""))
        return link(self.path, shown) if self.path else shown


# A list says some hundred of these: `Markup.format` would take ten times as long to escape the same parts.
def link(path: str, text: object) -> Markup:
    return Markup(f'<a href="{escape(path)}">{escape(text)}</a>')  # noqa: S704  # both are escaped


def chip(text: object, tone: str = "") -> Markup:
    return Markup(f'<span class="chip {escape(tone)}">{escape(text)}</span>')  # noqa: S704  # both are escaped


def html_of(kind: Kind, value: Any, wording: Wording, tone: str = "") -> Markup:
    """A dash for what is not there: a cell that is empty could be a fault."""
    if value is None or value == "":
        return Markup(DASH)  # noqa: S704  # our own
    return _HTML[kind](value, wording, tone)


def plain_of(kind: Kind, value: Any, wording: Wording) -> str:
    """As a program reads it: the API's words, money with a point and two decimals, instants in ISO 8601."""
    if value is None:
        return ""
    match kind:
        case Kind.MONEY:
            return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"
        case Kind.AGO | Kind.INSTANT:
            local: str = value.astimezone(wording.zone).isoformat(timespec="seconds")
            return local
        case Kind.YES_NO:
            return "yes" if value else "no"
        case _:
            return str(value)


def _number(value: Any) -> Markup:
    told = f"{value:,}"
    return escape(told.replace("-", MINUS) if value else DASH)


def _short(value: UUID | str) -> Markup:
    text = str(value)
    shown = text[-_SHORT_ID:] if isinstance(value, UUID) else text
    return Markup(f'<code title="{escape(text)}">{escape(shown)}</code>')  # noqa: S704  # both are escaped


def _day(value: date | datetime, wording: Wording) -> Markup:
    local = value.astimezone(wording.zone) if isinstance(value, datetime) else value
    return escape(calendar_day(local))


_HTML: Mapping[Kind, Callable[[Any, Wording, str], Markup]] = {
    Kind.TEXT: lambda value, _wording, _tone: escape(value),
    Kind.WORD: lambda value, _wording, _tone: escape(words(value)),
    Kind.CHIP: lambda value, _wording, tone: chip(words(value), tone),
    Kind.MONEY: lambda value, _wording, _tone: escape(money(value)),
    Kind.NUMBER: lambda value, _wording, _tone: _number(value),
    Kind.SHARE: lambda value, _wording, _tone: escape(f"{value * 100:.1f} %"),
    Kind.AGO: lambda value, wording, _tone: wording.ago(value),
    Kind.INSTANT: lambda value, wording, _tone: escape(wording.exact(value)),
    Kind.DAY: lambda value, wording, _tone: _day(value, wording),
    Kind.ID: lambda value, _wording, _tone: _short(value),
    Kind.YES_NO: lambda value, _wording, _tone: escape("Yes" if value else "No"),
}
