"""Who covers what: the postcodes of each state cut where the installers that work there change."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.values import AustralianState
from services.routing.domain.places import POSTCODES
from services.routing.domain.profile import PostcodeRange, Territory


@dataclass(frozen=True, slots=True)
class Segment:
    """Postcodes of a state from `first` to `last`, both of it, that the same installers cover."""

    state: AustralianState
    first: str
    last: str
    installer_ids: tuple[UUID, ...]

    @property
    def size(self) -> int:
        return int(self.last) - int(self.first) + 1

    @property
    def told(self) -> str:
        return self.first if self.first == self.last else f"{self.first}-{self.last}"


Half = tuple[int, int]
"""From a postcode until just before another."""


def segments(
    territories: Mapping[UUID, Territory], states: Iterable[AustralianState] = tuple(AustralianState)
) -> list[Segment]:
    """In the order of states and postcodes. As a lead's place names its state, a border's postcode is in both."""
    spans = {id_: _spans_of(territory) for id_, territory in territories.items()}
    return [segment for state in states for segment in _of_state(state, territories, spans)]


def _spans_of(territory: Territory) -> list[Half]:
    ranges = [(int(r.first), int(r.last) + 1) for r in territory.ranges]
    return [*ranges, *((int(code), int(code) + 1) for code in territory.postcodes)]


def _of_state(
    state: AustralianState, territories: Mapping[UUID, Territory], spans: Mapping[UUID, Sequence[Half]]
) -> Iterator[Segment]:
    whole = {id_ for id_, territory in territories.items() if state in territory.states}
    for allotted in POSTCODES[state]:
        yield from _swept(state, allotted, whole, spans)


def _swept(
    state: AustralianState, allotted: PostcodeRange, whole: set[UUID], spans: Mapping[UUID, Sequence[Half]]
) -> Iterator[Segment]:
    """From one end of the range to the other; where a range begins or ends, who covers what comes next changes."""
    begin, end = int(allotted.first), int(allotted.last) + 1
    changes: dict[int, list[tuple[UUID, int]]] = defaultdict(list)
    for id_, halves in spans.items():
        for first, past in halves:
            if first < end and begin < past:
                changes[max(first, begin)].append((id_, 1))
                changes[min(past, end)].append((id_, -1))
    covering: Counter[UUID] = Counter(whole)
    start, held = begin, tuple(sorted(whole))
    for at in sorted(changes):
        for id_, by in changes[at]:
            covering[id_] += by
        now = tuple(sorted(id_ for id_, times in covering.items() if times > 0))
        if now != held and at > start:
            yield _segment(state, start, at, held)
            start = at
        held = now
    if start < end:
        yield _segment(state, start, end, held)


def _segment(state: AustralianState, first: int, past: int, held: tuple[UUID, ...]) -> Segment:
    return Segment(state, f"{first:04}", f"{past - 1:04}", held)


@dataclass(frozen=True, slots=True)
class Demand:
    """Leads of a postcode, and how many of them could not be placed for want of an installer."""

    state: AustralianState
    postcode: str
    leads: int
    not_placed: int


@dataclass(frozen=True, slots=True)
class Covered:
    segment: Segment
    leads: int
    not_placed: int


def with_demand(cut: Sequence[Segment], demand: Iterable[Demand]) -> list[Covered]:
    """Where a postcode is of none of its state's segments its demand is not told: no territory could hold it."""
    leads, not_placed = [0] * len(cut), [0] * len(cut)
    by_state: dict[AustralianState, list[int]] = defaultdict(list)
    for index, segment in enumerate(cut):
        by_state[segment.state].append(index)
    for each in demand:
        indexes = by_state[each.state]
        place = bisect_right(indexes, each.postcode, key=lambda index: cut[index].first) - 1
        if place >= 0 and each.postcode <= cut[indexes[place]].last:
            leads[indexes[place]] += each.leads
            not_placed[indexes[place]] += each.not_placed
    return [Covered(*told) for told in zip(cut, leads, not_placed, strict=True)]
