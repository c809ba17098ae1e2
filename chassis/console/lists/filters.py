"""What a list can be narrowed by: each reads its part of the address, and says what it then holds to."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, DecimalException
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, false, or_
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.lists.declaration import Expression
from chassis.console.lists.stretches import BEHIND, Stretch
from chassis.console.wording import calendar_day, words

LONGEST_SEARCH = 200
LARGEST_CENTS = 10**15
MOST_WORDS = 12
SEARCHED = "searched"
"""What the audit has in the place of what was searched for."""

Sent = Mapping[str, Sequence[str]]
"""What the address says, by name; only what is not empty."""


@dataclass(frozen=True, slots=True)
class Held:
    """A filter that is set: its condition, and what its chip says. `value` is what a form shows again.

    `also` is what a row has at hand while it is set, by name, as by what it was found; a column may say it.
    """

    condition: ColumnElement[bool]
    told: str
    value: tuple[str, ...] = ()
    also: Mapping[str, Expression] = field(default_factory=dict)


class Unreadable(ValueError):
    """What the address says is no value of the filter's."""


@dataclass(frozen=True, slots=True)
class Filter(ABC):
    name: str
    title: str

    form: ClassVar[str]
    """The macro of filters.html that draws its field."""
    is_picked: ClassVar[bool] = False
    """Whether its values are all among those that the list itself offers."""

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def is_search(self) -> bool:
        """What is searched for can be a person's: that something was is all that the audit keeps."""
        return self.form == "search"

    @abstractmethod
    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        """None where nothing is asked for. Raises Unreadable."""

    async def tell(self, _session: AsyncSession, held: Held) -> str:
        """The chip's text where it takes a look at the database, as for the name behind an id."""
        return held.told


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    condition: ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Choice(Filter):
    """Any of some words. `options` is made by `among`, or by hand where a word is derived from several columns."""

    options: Sequence[Option] = ()

    form: ClassVar[str] = "choice"
    is_picked: ClassVar[bool] = True

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        asked = sent.get(self.name, ())
        if not asked:
            return None
        known = {option.value: option for option in self.options}
        unknown = [value for value in asked if value not in known]
        if unknown:
            raise Unreadable(f"none of {', '.join(known)}")
        chosen = [option for option in self.options if option.value in set(asked)]
        condition = or_(false(), *(option.condition for option in chosen))
        return Held(condition, ", ".join(each.label for each in chosen), tuple(each.value for each in chosen))


def among(
    column: Expression, members: Iterable[StrEnum | str], labels: Mapping[str, str] | None = None
) -> list[Option]:
    """The options of a column that holds one word of several."""
    told = labels or {}
    return [Option(str(member), told.get(str(member), words(str(member))), column == member) for member in members]


@dataclass(frozen=True, slots=True)
class Search(Filter):
    """A part of any of the texts, whatever its case; an id as a whole where `ids` are given."""

    texts: Sequence[Expression] = ()
    ids: Sequence[Expression] = ()
    normal: Callable[[str], str] | None = None
    """How the texts are kept, as telephone numbers without spaces: what is typed is searched in both forms."""

    form: ClassVar[str] = "search"

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        asked = _typed(sent.get(self.name, ()))
        if not asked:
            return None
        forms = {asked} | ({self.normal(asked)} if self.normal and self.normal(asked) else set())
        found = [text.icontains(form, autoescape=True) for text in self.texts for form in forms]
        if (id_ := _uuid(asked)) is not None:
            found += [column == id_ for column in self.ids]
        return Held(or_(false(), *found), f"“{asked}”", (asked,))


def _holds_nothing(_word: str) -> ColumnElement[bool]:
    return false()


@dataclass(frozen=True, slots=True)
class Words(Filter):
    """Every word must stand somewhere, as the room's `holds` looks for one; an id as a whole where `ids` are given."""

    holds: Callable[[str], ColumnElement[bool]] = _holds_nothing
    ids: Sequence[Expression] = ()

    form: ClassVar[str] = "search"

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        asked = _typed(sent.get(self.name, ()))
        if not asked:
            return None
        typed = list(dict.fromkeys(asked.split()))
        if len(typed) > MOST_WORDS:
            raise Unreadable(f"more than {MOST_WORDS} words")
        found = [and_(*(self.holds(word) for word in typed))]
        if (id_ := _uuid(asked)) is not None:
            found += [column == id_ for column in self.ids]
        return Held(or_(*found), f"“{asked}”", (asked,))


@dataclass(frozen=True, slots=True)
class Exact(Filter):
    """One id, set by links from elsewhere and taken away by its chip. `name_of` tells what the id stands for."""

    column: Expression = None
    name_of: Callable[[AsyncSession, UUID], Any] | None = None

    form: ClassVar[str] = "hidden"

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        asked = sent.get(self.name, ())
        if not asked:
            return None
        id_ = _uuid(asked[-1])
        if id_ is None:
            raise Unreadable("no id")
        return Held(self.column == id_, str(id_)[-8:], (str(id_),))

    async def tell(self, session: AsyncSession, held: Held) -> str:
        found = await self.name_of(session, UUID(held.value[0])) if self.name_of else None
        return str(found) if found else held.told


async def _offers_nothing(_session: AsyncSession) -> Sequence[tuple[str, str]]:
    return ()


@dataclass(frozen=True, slots=True)
class Offered(Exact):
    """One id of those that the database offers while one looks, as of colleagues; links set it too.

    `offers` gives each id and what it is called, in the order in which they stand.
    """

    offers: Callable[[AsyncSession], Awaitable[Sequence[tuple[str, str]]]] = _offers_nothing

    form: ClassVar[str] = "offered"

    async def options(self, session: AsyncSession, held: Held | None) -> list[tuple[str, str]]:
        """With what is set already, though it be offered no more: else whoever filters further would lose it."""
        found = list(await self.offers(session))
        if held is not None and held.value[0] not in dict(found):
            found.append((held.value[0], await self.tell(session, held)))
        return found


@dataclass(frozen=True, slots=True)
class Days(Filter):
    """From a day to a day, both included, or a word for a stretch of them, as the business zone's calendar has them.

    A word is what a kept view needs: it means other days tomorrow. Where days are given beside one, both hold.
    """

    column: Expression = None
    stretches: Mapping[str, Stretch] = field(default_factory=lambda: BEHIND)

    form: ClassVar[str] = "days"
    # As to its word, which is all that is called by its own name.
    is_picked: ClassVar[bool] = True

    @property
    def parameters(self) -> tuple[str, ...]:
        return (f"{self.name}_from", f"{self.name}_to", self.name)

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        first, last = (_day(sent.get(name, ())) for name in self.parameters[:2])
        word = self._word(sent.get(self.name, ()))
        conditions: list[ColumnElement[bool]] = []
        if word:
            conditions.append(self.stretches[word].holds(self.column))
        if first is not None:
            conditions.append(self.column >= _begin(first, zone))
        if last is not None:
            conditions.append(self.column < _begin(last + timedelta(days=1), zone))
        if not conditions:
            return None
        told = [self.stretches[word].told] if word else []
        told += [_span(first, last)] if first or last else []
        value = (first.isoformat() if first else "", last.isoformat() if last else "", word)
        return Held(and_(*conditions), ", ".join(told), value)

    def _word(self, sent: Sequence[str]) -> str:
        word = sent[-1] if sent else ""
        if word and word not in self.stretches:
            raise Unreadable(f"none of {', '.join(self.stretches)}")
        return word


@dataclass(frozen=True, slots=True)
class Amount(Filter):
    """At least and at most, in dollars as people write them."""

    column: Expression = None

    form: ClassVar[str] = "amount"

    @property
    def parameters(self) -> tuple[str, ...]:
        return (f"{self.name}_min", f"{self.name}_max")

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        least, most = (_cents(sent.get(name, ())) for name in self.parameters)
        if least is None and most is None:
            return None
        conditions = [self.column >= least] if least is not None else []
        conditions += [self.column <= most] if most is not None else []
        condition = conditions[0] if len(conditions) == 1 else conditions[0] & conditions[1]
        value = tuple("" if cents is None else str(Decimal(cents).scaleb(-2)) for cents in (least, most))
        told = " to ".join(f"${text}" for text in value if text)
        prefix = "" if least is not None and most is not None else ("from " if least is not None else "up to ")
        return Held(condition, prefix + told, value)


@dataclass(frozen=True, slots=True)
class Flag(Filter):
    """Holds, or does not matter."""

    condition: Expression = None

    form: ClassVar[str] = "flag"
    is_picked: ClassVar[bool] = True

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        asked = sent.get(self.name, ())
        if not asked or asked[-1] == "false":
            return None
        if asked[-1] != "true":
            raise Unreadable("neither true nor false")
        return Held(self.condition, "yes", ("true",))


@dataclass(frozen=True, slots=True)
class Text(Filter):
    """A text that a link sets, as a month or a country: the column equals it."""

    column: Expression = None
    pattern: str = ""
    hint: str = ""
    longest: int = 100
    labels: Mapping[str, str] = field(default_factory=dict)

    form: ClassVar[str] = "text"

    def read(self, sent: Sent, zone: ZoneInfo) -> Held | None:
        asked = sent.get(self.name, ())
        if not asked:
            return None
        if len(asked[-1]) > self.longest:
            raise Unreadable(f"longer than {self.longest} characters")
        return Held(self.column == asked[-1], self.labels.get(asked[-1], asked[-1]), (asked[-1],))


@dataclass(frozen=True, slots=True)
class FoldedText(Text):
    """Behind a button: for what is asked for now and then, where the bar has many."""

    form: ClassVar[str] = "folded"


def _typed(sent: Sequence[str]) -> str:
    """With single spaces."""
    asked = " ".join(" ".join(sent).split())
    if len(asked) > LONGEST_SEARCH:
        raise Unreadable(f"longer than {LONGEST_SEARCH} characters")
    return asked


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _day(sent: Sequence[str]) -> date | None:
    if not sent:
        return None
    try:
        found = date.fromisoformat(sent[-1])
    except ValueError:
        raise Unreadable("no day as 2026-03-31") from None
    if not date(1970, 1, 1) <= found < date(2200, 1, 1):
        raise Unreadable("not from 1970 to 2199")
    return found


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _span(first: date | None, last: date | None) -> str:
    begin = f"from {calendar_day(first)}" if first else ""
    end = f"to {calendar_day(last)}" if last else ""
    return f"{begin} {end}".strip()


def _cents(sent: Sequence[str]) -> int | None:
    if not sent:
        return None
    try:
        cents = Decimal(sent[-1].replace(",", "").removeprefix("$")) * 100
    except DecimalException:
        raise Unreadable("no amount as 1250.00") from None
    if not cents.is_finite() or cents != cents.to_integral_value() or abs(cents) > LARGEST_CENTS:
        raise Unreadable("no amount of whole cents")
    return int(cents)
