"""Where nobody works that does a service, and where many do: gaps and overlaps, with what was asked for there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.params import FromQuery, QueryParameter
from markupsafe import Markup

from chassis.clock import Clock
from chassis.console import Console, page_at
from chassis.console.cells import Kind, Shown, chip
from chassis.console.documents import Table, Told
from chassis.console.wording import DASH, counted
from chassis.database import Database
from chassis.http import Given
from contracts.forms import LONGEST_SERVICE
from contracts.identity import Capability
from contracts.values import AustralianState
from services.routing.domain.coverage import Covered
from services.routing.domain.places import POSTCODES
from services.routing.pages.telling import INSTALLERS
from services.routing.queries.coverage import Coverage, Covering, coverage, services

PATH = "/console/coverage"
ROOM = "coverage"
SHOWN_ROWS = 200
AFTER = r"^\d{1,9}\.\d{1,9}\.[A-Z]{2,3}\.\d{4}$"
SHOWN_INSTALLERS = 4
MANY = 3


class View(StrEnum):
    WANTED = "gaps_with_demand"
    GAPS = "gaps"
    OVERLAPS = "overlaps"
    ALL = "all"


TITLES = {
    View.WANTED: "Gaps with demand",
    View.GAPS: "Gaps",
    View.OVERLAPS: "Overlaps",
    View.ALL: "All",
}
EMPTY = {
    View.WANTED: "No lead of the last 30 days was asked for where nobody works.",
    View.GAPS: "Every postcode has somebody.",
    View.OVERLAPS: "Nowhere work more.",
    View.ALL: "There is no postcode.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """`path` begins anew: where one was in the table is not kept."""

    service: str
    state: AustralianState | None
    view: View
    more_than: int

    @property
    def states(self) -> list[AustralianState]:
        return [self.state] if self.state else list(AustralianState)

    def path(self, **changes: Any) -> str:
        told = {"service": self.service, "in": self.state, "view": self.view, "more_than": self.more_than, **changes}
        return f"{PATH}?{urlencode({name: str(value) for name, value in told.items() if value is not None})}"


Place = tuple[int, int, str, str]
"""Of a stretch among others: the most that were not placed first, then the most leads."""


def place_of(each: Covered) -> Place:
    return -each.not_placed, -each.leads, each.segment.state, each.segment.first


def _written(each: Covered) -> str:
    return f"{each.not_placed}.{each.leads}.{each.segment.state}.{each.segment.first}"


def _read(after: str) -> Place:
    not_placed, leads, state, first = after.split(".")
    return -int(not_placed), -int(leads), state, first


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a strip, in thousandths of its state's postcodes."""

    x: float
    width: float
    level: str
    told: str


@dataclass(frozen=True, slots=True)
class Strip:
    state: AustralianState
    path: str
    told: str
    pieces: Sequence[Piece]


@page_at(PATH, Capability.READ_OPS)
async def show_coverage(
    request: Request[Any, Any, Any],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    service: Annotated[str | None, QueryParameter(max_length=LONGEST_SERVICE)] = None,
    within: Annotated[str | None, QueryParameter(name="in", pattern="^[A-Z]{0,3}$", max_length=3)] = None,
    view: FromQuery[View] = View.WANTED,
    more_than: Annotated[int, QueryParameter(ge=1, le=100)] = MANY,
    after: Annotated[str | None, QueryParameter(pattern=AFTER, max_length=40)] = None,
) -> Response[str]:
    named = AustralianState.__members__.get(within or "")
    async with database.reading() as session:
        known = await services(session, clock.now())
        asked = Asked(service or next(iter(known), ""), named, view, more_than)
        found = await coverage(session, asked.service, clock.now(), asked.states)
    told = stretches(found, asked)
    rest = [each for each in told if after is None or place_of(each) > _read(after)]
    shown = rest[:SHOWN_ROWS]
    context = {
        "asked": asked,
        "services": known,
        "states": list(AustralianState),
        "tabs": [_tab(found, asked, each) for each in View],
        "strips": [_strip(found, asked, each) for each in asked.states],
        "table": _table(found, asked, shown),
        "number": len(told),
        "passed": len(told) - len(rest),
        "first": asked.path() if after else None,
        "following": asked.path(after=_written(shown[-1])) if len(rest) > len(shown) else None,
    }
    return console.page(request, "coverage.html", context, room=ROOM)


def stretches(found: Coverage, asked: Asked) -> list[Covered]:
    """All of the view, in order."""
    return sorted((each for each in found.covered if _views(found, asked)[asked.view](each)), key=place_of)


def _views(found: Coverage, asked: Asked) -> dict[View, Callable[[Covered], bool]]:
    return {
        View.WANTED: lambda each: not found.active(each) and (each.leads + each.not_placed) > 0,
        View.GAPS: lambda each: not found.active(each),
        View.OVERLAPS: lambda each: found.active(each) > asked.more_than,
        View.ALL: lambda _each: True,
    }


def _tab(found: Coverage, asked: Asked, view: View) -> tuple[str, str, bool]:
    count = sum(map(_views(found, asked)[view], found.covered))
    return f"{TITLES[view]} ({count:,})", asked.path(view=view), view is asked.view


def _strip(found: Coverage, asked: Asked, state: AustralianState) -> Strip:
    total = sum(int(r.last) - int(r.first) + 1 for r in POSTCODES[state])
    pieces, past, gap = [], 0, 0
    for each in found.covered:
        if each.segment.state is not state:
            continue
        active = found.active(each)
        gap += 0 if active else each.segment.size
        told = (
            f"{each.segment.told}: {counted(active, 'installer', 'installers')}, {counted(each.leads, 'lead', 'leads')}"
        )
        x, width = 1000 * past / total, 1000 * each.segment.size / total
        pieces.append(Piece(round(x, 2), round(width, 2), _level(active, each, asked), told))
        past += each.segment.size
    share = f"{100 * (total - gap) / total:.0f} % of its postcodes covered"
    return Strip(state, asked.path(**{"in": state}), share, pieces)


def _level(active: int, covered: Covered, asked: Asked) -> str:
    if not active:
        return "wanted" if covered.leads + covered.not_placed else "gap"
    return "many" if active > asked.more_than else "some"


def _table(found: Coverage, asked: Asked, shown: Sequence[Covered]) -> Table:
    return Table(
        TITLES[asked.view],
        (
            ("Postcodes", Kind.TEXT),
            ("State", Kind.TEXT),
            ("Covered by", Kind.TEXT),
            ("Active", Kind.NUMBER),
            ("Leads, 30 days", Kind.NUMBER),
            ("Not placed", Kind.NUMBER),
            ("Cure", Kind.TEXT),
        ),
        [_row(found, asked, each) for each in shown],
        empty=EMPTY[asked.view],
    )


def _row(found: Coverage, asked: Asked, each: Covered) -> tuple[Told, ...]:
    active = found.active(each)
    return (
        each.segment.told.replace("-", "–"),  # noqa: RUF001  # as print has it
        each.segment.state.value,
        _who(found.of(each)),
        Shown(active, Kind.NUMBER),
        Shown(each.leads, Kind.NUMBER),
        Shown(each.not_placed, Kind.NUMBER),
        DASH if active else Shown(f"Who does it in {each.segment.state}", path=_nearby(asked, each)),
    )


def _nearby(asked: Asked, each: Covered) -> str:
    return f"{INSTALLERS}?{urlencode({'q': asked.service, 'in': each.segment.state.value})}"


def _who(known: Sequence[Covering]) -> Told:
    if not known:
        return chip("Nobody", "warning")
    shown = [_named(each) for each in known[:SHOWN_INSTALLERS]]
    more = len(known) - SHOWN_INSTALLERS
    return Markup(", ").join([*shown, f"{more:,} more"] if more > 0 else shown)


def _named(known: Covering) -> Markup:
    state = " (not active)" if not known.takes_leads else " (away)" if known.is_away else ""
    return Markup('<a href="{}/{}">{}</a>{}').format(INSTALLERS, known.id, known.name, state)


ROUTES = (show_coverage,)
