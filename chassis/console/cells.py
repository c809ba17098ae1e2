"""How a value is told, by its kind: for the eye in a table or beside its title, and in a CSV for a program."""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
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


def link(path: str, text: object) -> Markup:
    return Markup(linked(path, escaped(text)))  # noqa: S704  # both are escaped


def chip(text: object, tone: str = "") -> Markup:
    return Markup(_chip(escaped(text), tone))  # noqa: S704  # both are escaped


def html_of(kind: Kind, value: Any, wording: Wording, tone: str = "") -> Markup:
    """A dash for what is not there: a cell that is empty could be a fault."""
    return Markup(cell_of(kind, value, wording, tone))  # noqa: S704  # it is


# A page of a list has some hundreds of cells. They are put together as plain text that is escaped already: to make a
# `Markup` of each part takes longer than to find the rows.
def cell_of(kind: Kind, value: Any, wording: Wording, tone: str = "") -> str:
    """`html_of` for who puts it into a `Markup` with others: HTML, though its type does not say so."""
    if value is None or value == "":
        return DASH
    return _HTML[kind](value, wording, tone)


def linked(path: str, inner: str) -> str:
    """`inner` is HTML already."""
    return f'<a href="{html.escape(path)}">{inner}</a>'


def escaped(text: object) -> str:
    """As HTML; what is markup stays as it is."""
    return html.escape(text) if type(text) is str else str(escape(text))


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


def _chip(inner: str, tone: str) -> str:
    return f'<span class="chip {html.escape(tone)}">{inner}</span>'


# Of states and reasons there are few.
@lru_cache(1_000)
def _word(value: str) -> str:
    return html.escape(words(value))


@lru_cache(1_000)
def _word_chip(value: str, tone: str) -> str:
    return _chip(_word(value), tone)


def _number(value: Any) -> str:
    return escaped(f"{value:,}".replace("-", MINUS) if value else DASH)


def _short(value: UUID | str) -> str:
    text = str(value)
    shown = text[-_SHORT_ID:] if isinstance(value, UUID) else text
    return f'<code title="{html.escape(text)}">{html.escape(shown)}</code>'


def _day(value: date | datetime, wording: Wording) -> str:
    return calendar_day(value.astimezone(wording.zone) if isinstance(value, datetime) else value)


_HTML: Mapping[Kind, Callable[[Any, Wording, str], str]] = {
    Kind.TEXT: lambda value, _wording, _tone: escaped(value),
    Kind.WORD: lambda value, _wording, _tone: _word(value),
    Kind.CHIP: lambda value, _wording, tone: _word_chip(value, tone),
    Kind.MONEY: lambda value, _wording, _tone: money(value),
    Kind.NUMBER: lambda value, _wording, _tone: _number(value),
    Kind.SHARE: lambda value, _wording, _tone: f"{value * 100:.1f} %",
    Kind.AGO: lambda value, wording, _tone: wording.ago(value),
    Kind.INSTANT: lambda value, wording, _tone: wording.exact(value),
    Kind.DAY: lambda value, wording, _tone: _day(value, wording),
    Kind.ID: lambda value, _wording, _tone: _short(value),
    Kind.YES_NO: lambda value, _wording, _tone: "Yes" if value else "No",
}
