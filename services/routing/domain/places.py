"""A territory as people write and read it: one state, range or postcode a line. And the postcodes of the states."""

import re
from collections.abc import Iterable, Mapping

from contracts.forms import Fault
from contracts.values import AustralianState
from services.routing.domain.profile import PostcodeRange, Territory

_RANGE = re.compile(r"([0-9]{4})\s*(?:-|–|to)\s*([0-9]{4})")  # noqa: RUF001  # as a word processor writes it
_POSTCODE = re.compile(r"[0-9]{4}")
_BETWEEN = re.compile(r"[\n,;]")

POSTCODES: Mapping[AustralianState, tuple[PostcodeRange, ...]] = {
    state: tuple(PostcodeRange(*each.split("-")) for each in ranges.split())
    for state, ranges in {
        AustralianState.ACT: "0200-0299 2600-2620 2900-2920",
        AustralianState.NSW: "1000-2599 2611-2611 2618-2899 2921-2999",
        AustralianState.NT: "0800-0999",
        AustralianState.QLD: "4000-4999 9000-9999",
        AustralianState.SA: "5000-5999",
        AustralianState.TAS: "7000-7999",
        AustralianState.VIC: "3000-3999 8000-8999",
        AustralianState.WA: "6000-6999",
    }.items()
}
"""As Australia Post allots them; a postcode on a border is in both states."""


def states_of(postcode: str) -> frozenset[AustralianState]:
    return frozenset(state for state, ranges in POSTCODES.items() if any(r.first <= postcode <= r.last for r in ranges))


def lines_of(territory: Territory) -> list[str]:
    """What `territory_of` reads."""
    ranges = [f"{r.first}-{r.last}" for r in territory.ranges]
    return [*sorted(territory.states), *ranges, *sorted(territory.postcodes)]


def territory_of(text: str) -> Territory:
    """Lines, or what stands between commas. Raises Fault, which names the first that is none of the three."""
    states: set[AustralianState] = set()
    ranges: list[PostcodeRange] = []
    postcodes: set[str] = set()
    for number, line in _lines(text):
        if found := _RANGE.fullmatch(line):
            if found[2] < found[1]:
                raise _fault(number, "the range ends before it begins")
            ranges.append(PostcodeRange(found[1], found[2]))
        elif _POSTCODE.fullmatch(line):
            postcodes.add(line)
        elif line.upper() in AustralianState.__members__:
            states.add(AustralianState(line.upper()))
        else:
            raise _fault(number, "neither a state as NSW, nor a postcode as 2204, nor a range as 2000-2234")
    return Territory(frozenset(states), tuple(ranges), frozenset(postcodes))


def _lines(text: str) -> Iterable[tuple[int, str]]:
    """Each with the number of its line, as whoever wrote it counts them."""
    for number, line in enumerate(text.splitlines(), start=1):
        yield from ((number, part.strip()) for part in _BETWEEN.split(line) if part.strip())


def _fault(number: int, what: str) -> Fault:
    return Fault("territory_unreadable", "Line {number}: {what}", {"number": number, "what": what})
