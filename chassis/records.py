"""Kafka records as the consumer runtime sees them: decoded once, malformed ones with the reason, nothing skipped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from contracts.envelope import Envelope, Event, Incoming, Malformed, decode_body, from_headers
from contracts.registry import EVENTS


class Record(Protocol):
    """The part of aiokafka's ConsumerRecord that is used; a replayed parked event looks the same."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


Lane = tuple[str, bytes] | tuple[str, int, int]


@dataclass(slots=True)
class Arrival:
    """One record on its way through the runtime: exactly one of `incoming` and `malformed` is set, or it is ignored."""

    record: Record
    lane: Lane
    """What keeps its order: the key; a record without one stands alone."""
    envelope: Envelope | None = None
    """None where it cannot be read."""
    incoming: Incoming[Event] | None = None
    malformed: Malformed | None = None
    attempts: int = 0

    @property
    def is_ignored(self) -> bool:
        """Of a type that this consumer does not subscribe to."""
        return self.incoming is None and self.malformed is None


@dataclass(slots=True)
class Suspect:
    """A lane whose first event failed; the others wait behind it."""

    fault: Exception
    arrivals: list[Arrival] = field(default_factory=list)


def decode(record: Record, handled: Mapping[str, Any], max_bytes: int) -> Arrival:
    """Never raises: what cannot be read becomes an arrival with its reason."""
    key = record.key
    lane: Lane = (record.topic, record.partition, record.offset) if key is None else (record.topic, key)
    envelope = None
    try:
        envelope = from_headers(record.headers)
        model = EVENTS.get(envelope.type)
        if model is None:
            raise Malformed("type_unknown", "the event type is not in the contracts")
        if key is None or key != envelope.subject.encode():
            raise Malformed("key_not_subject", "the record's key is not the event's subject")
        if envelope.type not in handled:
            return Arrival(record, lane, envelope)
        if record.value is not None and len(record.value) > max_bytes:
            raise Malformed("body_too_large", f"{len(record.value)} bytes of {max_bytes}")
        return Arrival(record, lane, envelope, Incoming(decode_body(model, record.value), envelope))
    except Malformed as malformed:
        return Arrival(record, lane, envelope, malformed=malformed)
