"""The ring's own events: three types on one topic, of which the consumer handles two."""

from typing import ClassVar

from contracts.envelope import Event
from contracts.topics import Topic
from tests.ring.broker import LARGEST_AT_CLIENT
from tests.ring.plan import Flavour

TOPIC = Topic("ring.keys", "ring", "ring_id", "")


class RingMoved(Event):
    type: ClassVar[str] = "ring.moved"
    topic: ClassVar[Topic] = TOPIC

    ring_id: str
    flavour: Flavour
    padding: str = ""


class RingTurned(RingMoved):
    type: ClassVar[str] = "ring.turned"


class RingRested(RingMoved):
    """Nobody's consumer takes it."""

    type: ClassVar[str] = "ring.rested"


RING_EVENTS: dict[str, type[Event]] = {event.type: event for event in (RingMoved, RingTurned, RingRested)}
_TYPES = {Flavour.OTHER_TYPE: RingTurned, Flavour.IGNORED: RingRested}
_SIZES = {Flavour.TOO_LARGE: LARGEST_AT_CLIENT + 1, Flavour.LARGE: LARGEST_AT_CLIENT - 500}


def event_of(key: str, flavour: Flavour) -> RingMoved:
    return _TYPES.get(flavour, RingMoved)(ring_id=key, flavour=flavour, padding="x" * _SIZES.get(flavour, 0))
