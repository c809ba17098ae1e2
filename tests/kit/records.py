"""Events as their owners publish them: with an envelope around them, and as records of the broker."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chassis.ids import new_id
from contracts.envelope import Envelope, Event, Incoming, to_headers

PUBLISHED_AT = datetime(2026, 3, 3, 2, 15, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CORRELATION = "0199a000-0000-7000-8000-00000000c0de"


@dataclass(slots=True)
class KafkaRecord:
    """The part of aiokafka's ConsumerRecord that the consumer runtime reads."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    topic: str = "notifications.messages"
    partition: int = 0
    offset: int = 0


def envelope_of(event: Event, version: int = 1, **facts: Any) -> Envelope:
    """A faultless one of somebody else's; `facts` are attributes of the envelope that are said otherwise."""
    usual: dict[str, Any] = {
        "id": new_id(),
        "type": event.type,
        "source": "/waybill/elsewhere",
        "time": PUBLISHED_AT,
        "subject": event.subject,
        "dataschema": event.dataschema(),
        "aggregate_version": version,
        "correlation_id": CORRELATION,
        "traceparent": TRACE,
    }
    return Envelope(**(usual | facts))


def incoming(event: Event, version: int = 1, **facts: Any) -> Incoming[Any]:
    """As a handler gets it."""
    return Incoming(event, envelope_of(event, version=version, **facts))


def record_of(event: Event, *, offset: int = 0, version: int = 1, **facts: Any) -> KafkaRecord:
    """As the broker hands it over."""
    headers: list[tuple[str, bytes | None]] = [*to_headers(envelope_of(event, version=version, **facts))]
    return KafkaRecord(event.subject.encode(), event.model_dump_json().encode(), headers, event.topic.name, 0, offset)
