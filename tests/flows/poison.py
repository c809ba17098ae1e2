"""Records that are no events of ours, of every kind, for every topic that a service consumes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer, ConsumerRecord

from chassis.settings import ServiceSettings
from contracts.envelope import Envelope, Event, Headers, to_headers
from contracts.topics import Topic
from deploy import SERVICES
from tests.flows.people import marked

RawHeaders = Sequence[tuple[str, bytes | None]]
NOWHERE = "postgresql://nobody@127.0.0.1:9/none"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a service takes from a topic, by one of the events that it handles there."""

    service: str
    topic: Topic
    event_type: str

    @property
    def group(self) -> str:
        return f"waybill.{self.service}.{self.topic.name}"


@dataclass(frozen=True, slots=True)
class Poison:
    """One way in which a record is wrong, and the reason for which it is parked. `spoil` gives headers and body."""

    kind: str
    reason: str
    spoil: Callable[[Headers], tuple[RawHeaders, bytes | None]]
    has_key: bool = True
    is_of_another_key: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A poison record as the broker took it."""

    subscription: Subscription
    poison: Poison
    partition: int
    offset: int


def _personal() -> bytes:
    """JSON that is no event, and names somebody."""
    return b'{"contact": {"name": "%s", "email": "%s@post.example"}}' % (marked().encode(), marked().lower().encode())


def _replaced(headers: Headers, name: str, value: bytes | None) -> RawHeaders:
    return [(known, value if known == name else there) for known, there in headers]


def _without(headers: Headers, name: str) -> RawHeaders:
    return [header for header in headers if header[0] != name]


MORE_THAN_ANY_SERVICE_TAKES = ServiceSettings.model_fields["max_event_bytes"].default + 1

POISONS = (
    Poison("no JSON", "json_invalid", lambda headers: (headers, _personal()[:-1])),
    Poison("no UTF-8", "json_invalid", lambda headers: (headers, b"\xff\xfe" + _personal())),
    Poison("another schema", "schema_invalid", lambda headers: (headers, _personal())),
    Poison("no body", "body_null", lambda headers: (headers, None)),
    Poison("too large", "body_too_large", lambda headers: (headers, _personal().ljust(MORE_THAN_ANY_SERVICE_TAKES))),
    Poison("another type", "type_unknown", lambda h: (_replaced(h, "ce_type", b"lead.invented"), _personal())),
    Poison("a null header", "header_null", lambda h: ([*h, ("ce_note", None)], _personal())),
    Poison("a header of bytes", "header_not_utf8", lambda h: ([*h, ("ce_note", b"\xff" + _personal())], _personal())),
    Poison("no event id", "envelope_incomplete", lambda h: (_without(h, "ce_id"), _personal())),
    Poison("no true instant", "envelope_invalid", lambda h: (_replaced(h, "ce_time", _personal()), _personal())),
    Poison("no headers at all", "envelope_incomplete", lambda _headers: ([], _personal())),
    Poison("another's key", "key_not_subject", lambda h: (h, _personal()), is_of_another_key=True),
    Poison("no key", "key_not_subject", lambda h: (h, _personal()), has_key=False),
)


def subscriptions() -> list[Subscription]:
    """Of all services, as their composition roots say it."""
    return [
        Subscription(service, consumer.topic, next(iter(consumer.handlers)).type)
        for service in SERVICES
        for consumer in _consumers_of(service)
    ]


def _consumers_of(service: str) -> Any:
    settings = import_module(f"services.{service}.settings").Settings
    secret = {"key_secret": "what seals nothing, as nothing is served"} if service == "identity" else {}
    return import_module(f"services.{service}.main").build(settings(database_url=NOWHERE, **secret)).consumers


def headers_of(event_type: str, key: str) -> Headers:
    """A faultless envelope."""
    return to_headers(
        Envelope(
            id=uuid4(),
            type=event_type,
            source="/waybill/tests",
            time=datetime.now(UTC),
            subject=key,
            dataschema=f"urn:waybill:schema:{event_type}:1",
            aggregate_version=1,
            correlation_id=str(uuid4()),
        )
    )


async def send_poison(producer: AIOKafkaProducer, subscription: Subscription, poison: Poison) -> Sent:
    subject = str(uuid4())
    headers, body = poison.spoil(headers_of(subscription.event_type, subject))
    key = str(uuid4()) if poison.is_of_another_key else subject
    taken: ConsumerRecord = await producer.send_and_wait(
        subscription.topic.name, body, key=key.encode() if poison.has_key else None, headers=list(headers)
    )
    return Sent(subscription, poison, taken.partition, taken.offset)


async def send_event(producer: AIOKafkaProducer, event: Event, key: UUID) -> None:
    """As its owner publishes it."""
    body = event.model_dump_json().encode()
    await producer.send_and_wait(
        event.topic.name, body, key=str(key).encode(), headers=headers_of(event.type, str(key))
    )
