"""What a service tells of itself to the pages that span all of them: what it finds, what waits there, how it stands.

A composition root gives it as `dependencies={"desk": Desk(...)}`.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.charts import Bar as Bar  # noqa: PLC0414  # rooms take it from here, with the rest of their desk
from chassis.console.charts import Drawing, draw
from chassis.console.documents import Section
from chassis.console.doors import Door
from chassis.errors import NotFound
from chassis.http.auth import Operator

MOST_HITS = 5
SHORTEST_TEXT, LONGEST_TEXT = 2, 200


@dataclass(frozen=True, slots=True)
class Hit:
    """`path` is its page's, at the service that found it."""

    title: str
    detail: str
    path: str


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds one kind of thing by any of its ids; `title` names the kind, as "Invoices".

    The text is the operator's, stripped, of 2 to 200 characters. Of the hits the first five are shown.
    """

    title: str
    capability: str | None
    find: Callable[[AsyncSession, str], Awaitable[Sequence[Hit]]]


@dataclass(frozen=True, slots=True)
class Backlog:
    """`is_late` where each of them has a day of its own, and one is past it: then its room's `limit` is none."""

    number: int
    oldest: datetime | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for an operator in `room`; `path` is the list with the filter that shows just these.

    What is older than `limit` is shown as late; what `is_alarming` is wrong as soon as there is any.
    """

    room: str
    capability: str | None
    sentence: Callable[[int], str]
    path: str
    count: Callable[[AsyncSession, datetime], Awaitable[Backlog]]
    limit: timedelta | None = None
    is_alarming: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """As it is shown; `trend` is a sentence, as "4 more than a week ago".

    `path` is its door where its card's would lead to more, as where a figure is of days that move.
    """

    value: str
    trend: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    title: str
    capability: str | None
    path: str
    read: Callable[[AsyncSession, datetime], Awaitable[Figure]]


@dataclass(frozen=True, slots=True)
class Chart:
    """`explanation` says what is counted, and what the grey bars are where there are any."""

    title: str
    capability: str | None
    explanation: str
    read: Callable[[AsyncSession, datetime], Awaitable[Sequence[Bar]]]


@dataclass(frozen=True, slots=True)
class About:
    """What the service knows of another's thing, for that one's page; `kind` is its owner's word, as "lead".

    `tell` gives tables and facts; what it gives for an id that it does not know says so.
    """

    kind: str
    capability: str | None
    tell: Callable[[AsyncSession, UUID, datetime], Awaitable[Sequence[Section]]]


@dataclass(frozen=True, slots=True)
class Desk:
    finders: Sequence[Finder] = ()
    waiting: Sequence[Waiting] = ()
    cards: Sequence[Card] = ()
    charts: Sequence[Chart] = ()
    about: Sequence[About] = ()
    doors: Mapping[str, Door] = field(default_factory=dict)
    """Where the activity leads, by the kind of an entry's subject."""


P = ParamSpec("P")
Told = TypeVar("Told")


async def once(
    session: AsyncSession,
    query: Callable[Concatenate[AsyncSession, P], Awaitable[Told]],
    *given: P.args,
    **named: P.kwargs,
) -> Told:
    """What a query tells of what it is given, asked by the first that wants it on a page and told to all others.

    For what several figures and charts are drawn from. A page has one session, and what was told is kept as long.
    """
    kept: dict[Any, Told] = session.info.setdefault(once, {})
    asked = (query, given, tuple(sorted(named.items())))
    if asked not in kept:
        kept[asked] = await query(session, *given, **named)
    return kept[asked]


class _Guarded(Protocol):
    @property
    def capability(self) -> str | None: ...


G = TypeVar("G", bound=_Guarded)


def _open_to(operator: Operator, things: Iterable[G]) -> Iterator[G]:
    return (thing for thing in things if thing.capability is None or operator.can(thing.capability))


@dataclass(frozen=True, slots=True)
class Found:
    title: str
    hits: Sequence[Hit]


async def find(desk: Desk, operator: Operator, session: AsyncSession, text: str) -> list[Found]:
    """What the operator may see of it; kinds of which nothing was found are left out."""
    if not SHORTEST_TEXT <= len(text) <= LONGEST_TEXT:
        return []
    found = [
        Found(finder.title, (await finder.find(session, text))[:MOST_HITS])
        for finder in _open_to(operator, desk.finders)
    ]
    return [each for each in found if each.hits]


@dataclass(frozen=True, slots=True)
class Call:
    """One line of what waits."""

    sentence: str
    path: str
    number: int
    oldest: datetime | None
    limit: timedelta | None
    is_late: bool
    is_alarming: bool

    @property
    def is_urgent(self) -> bool:
        return self.is_late or self.is_alarming


@dataclass(frozen=True, slots=True)
class Today:
    calls: Sequence[Call]
    cards: Sequence[tuple[Card, Figure]]
    drawings: Sequence[Drawing]

    @property
    def is_empty(self) -> bool:
        return not (self.calls or self.cards or self.drawings)


async def read_today(desk: Desk, operator: Operator, session: AsyncSession, now: datetime) -> Today:
    """What is urgent comes first; what does not wait is left out."""
    waiting = [(each, await each.count(session, now)) for each in _open_to(operator, desk.waiting)]
    calls = [_call(each, backlog, now) for each, backlog in waiting if backlog.number]
    return Today(
        sorted(calls, key=lambda call: not call.is_urgent),
        [(card, await card.read(session, now)) for card in _open_to(operator, desk.cards)],
        [draw(each.title, each.explanation, await each.read(session, now)) for each in _open_to(operator, desk.charts)],
    )


def _call(waiting: Waiting, backlog: Backlog, now: datetime) -> Call:
    sentence = waiting.sentence(backlog.number)
    limit, oldest = waiting.limit, backlog.oldest
    is_late = backlog.is_late or (limit is not None and oldest is not None and now - oldest > limit)
    return Call(sentence, waiting.path, backlog.number, oldest, limit, is_late, waiting.is_alarming)


async def count_waiting(desk: Desk, operator: Operator, session: AsyncSession, now: datetime) -> dict[str, int]:
    """By room."""
    numbers: dict[str, int] = {}
    for each in _open_to(operator, desk.waiting):
        numbers[each.room] = numbers.get(each.room, 0) + (await each.count(session, now)).number
    return numbers


async def tell_about(
    desk: Desk, operator: Operator, session: AsyncSession, kind: str, id_: UUID, now: datetime
) -> list[Section]:
    """All that the operator may see of it. Raises NotFound where the service knows nothing of such things."""
    known = [about for about in _open_to(operator, desk.about) if about.kind == kind]
    NotFound.unless(known or None, "nothing is known here of such things")
    return [section for about in known for section in await about.tell(session, id_, now)]
