"""What becomes of each event of a batch and in which calls it is handed over: pure decisions, in order of arrival."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chassis.parking import BEHIND, VERSION_GAP, VERSION_PASSED, Parking
from chassis.positions import Position
from chassis.records import Arrival, Lane
from contracts.envelope import Event, Incoming


@dataclass(slots=True)
class Sorting:
    """`reached` is by key; `duplicates` were settled long enough ago that the inbox may have forgotten them."""

    flowing: list[Arrival] = field(default_factory=list)
    held: list[Parking] = field(default_factory=list)
    reached: dict[bytes, Position] = field(default_factory=dict)
    duplicates: int = 0


def sort(
    arrivals: Sequence[Arrival], blocked: Mapping[tuple[str, bytes], bool], positions: Mapping[bytes, Position] | None
) -> Sorting:
    """`blocked` are the lanes in which something is parked, and whether all that they wait for is a missing version.

    `positions` is None where versions mean nothing (a compacted topic).
    """
    sorting = Sorting()
    shut: set[Lane] = {lane for lane, waits_for_version in blocked.items() if not waits_for_version}
    for arrival in arrivals:
        if arrival.lane in shut:
            sorting.held.append(Parking(arrival, BEHIND))
        elif arrival.malformed is not None:
            sorting.held.append(Parking(arrival, arrival.malformed.code, arrival.malformed.detail))
            shut.add(arrival.lane)
        elif positions is None or _is_next(arrival, positions, sorting):
            sorting.flowing.append(arrival)
    return sorting


def _is_next(arrival: Arrival, positions: Mapping[bytes, Position], sorting: Sorting) -> bool:
    """Whether it may go on; where not, it is counted or held. A lane with a gap stays open for what fills it."""
    envelope, key = arrival.envelope, arrival.record.key
    if envelope is None or key is None:
        raise LookupError("a well-formed event has an envelope and a key")
    version = envelope.aggregate_version
    position = sorting.reached.get(key) or positions.get(key)
    if position is None:
        sorting.reached[key] = Position(version, version)
        return True
    first, last = position
    if version == last + 1:
        sorting.reached[key] = Position(first, version)
        return True
    if version > last:
        sorting.held.append(Parking(arrival, VERSION_GAP, f"version {version} came, {last + 1} has not"))
    elif version < first:
        sorting.held.append(Parking(arrival, VERSION_PASSED, f"version {version} came after {last}"))
    else:
        sorting.duplicates += 1
    return False


def waves(arrivals: Sequence[Arrival]) -> list[tuple[str, list[Incoming[Event]]]]:
    """Handler calls that keep each key's order and are as few as that allows.

    An event joins the wave of its key's event before it when it is of the same type, and the next wave otherwise.
    """
    place: dict[Lane, tuple[int, str]] = {}
    calls: dict[tuple[int, str], list[Incoming[Event]]] = {}
    for arrival in arrivals:
        if arrival.incoming is None:
            continue
        type_ = arrival.incoming.envelope.type
        wave, before = place.get(arrival.lane, (0, type_))
        wave += type_ != before
        place[arrival.lane] = (wave, type_)
        calls.setdefault((wave, type_), []).append(arrival.incoming)
    return [(type_, calls[wave, type_]) for wave, type_ in sorted(calls, key=lambda call: call[0])]
