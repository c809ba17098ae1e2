"""The envelope: CloudEvents 1.0 in Kafka's binary mode. Attributes are headers, the body is the event as JSON."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Generic, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.topics import Topic

CONTENT_TYPE = b"application/json"
SPEC_VERSION = b"1.0"
# The broker's own word for "nothing more to say" on a compacted topic is a null body; we never publish one.
Headers = list[tuple[str, bytes]]


class Event(BaseModel):
    """A past-tense fact of one aggregate. Only optional fields are ever added; unknown ones are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    topic: ClassVar[Topic]
    schema_version: ClassVar[int] = 1
    subject_field: ClassVar[str | None] = None
    """Where the key is not the field that the topic names."""

    @property
    def subject(self) -> str:
        """The id of the aggregate: the record's key."""
        return str(getattr(self, self.subject_field or self.topic.key))

    @classmethod
    def dataschema(cls) -> str:
        return f"urn:waybill:schema:{cls.type}:{cls.schema_version}"


EventT = TypeVar("EventT", bound=Event)
EventT_co = TypeVar("EventT_co", bound=Event, covariant=True)


class Envelope(NamedTuple):
    """What is said about an event: who, when, of what, in which order and because of what."""

    id: UUID
    type: str
    source: str
    time: datetime
    subject: str
    dataschema: str
    aggregate_version: int
    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None


class Incoming(NamedTuple, Generic[EventT_co]):
    """An event as a consumer gets it."""

    event: EventT_co
    envelope: Envelope


class Malformed(Exception):
    """A record that is no event of ours. `code` is stable; `detail` never holds a value of the record."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def to_headers(envelope: Envelope) -> Headers:
    """The headers of one record; ids and versions as text."""
    headers = [
        ("ce_specversion", SPEC_VERSION),
        ("ce_id", str(envelope.id).encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_time", envelope.time.isoformat().encode()),
        ("ce_subject", envelope.subject.encode()),
        ("ce_dataschema", envelope.dataschema.encode()),
        ("ce_aggregateversion", str(envelope.aggregate_version).encode()),
        ("ce_correlationid", envelope.correlation_id.encode()),
        ("content-type", CONTENT_TYPE),
    ]
    if envelope.causation_id is not None:
        headers.append(("ce_causationid", envelope.causation_id.encode()))
    if envelope.traceparent is not None:
        headers.append(("ce_traceparent", envelope.traceparent.encode()))
    return headers


def from_headers(headers: Sequence[tuple[str, bytes | None]]) -> Envelope:
    """Raises Malformed for a null or non-UTF-8 header, and for an attribute that is missing or of the wrong form."""
    try:
        text = {name: raw.decode() for name, raw in headers}  # type: ignore[union-attr]  # told below
    except (AttributeError, UnicodeDecodeError):
        raise _unreadable(headers) from None
    return _envelope(text)


def _unreadable(headers: Sequence[tuple[str, bytes | None]]) -> Malformed:
    """For the first header that cannot be read."""
    for name, raw in headers:
        if raw is None:
            return Malformed("header_null", f"header {name!r} is null")
        try:
            raw.decode()
        except UnicodeDecodeError:
            return Malformed("header_not_utf8", f"header {name!r} is not UTF-8")
    raise LookupError("every header can be read")


def _envelope(text: dict[str, str]) -> Envelope:
    try:
        if text["ce_specversion"] != "1.0":
            raise Malformed("envelope_invalid", "ce_specversion is not 1.0")
        return Envelope(
            id=UUID(text["ce_id"]),
            type=text["ce_type"],
            source=text["ce_source"],
            time=datetime.fromisoformat(text["ce_time"]),
            subject=text["ce_subject"],
            dataschema=text.get("ce_dataschema", ""),
            aggregate_version=int(text["ce_aggregateversion"]),
            correlation_id=text["ce_correlationid"],
            causation_id=text.get("ce_causationid"),
            traceparent=text.get("ce_traceparent"),
        )
    except KeyError as missing:
        raise Malformed("envelope_incomplete", f"header {missing} is missing") from None
    except ValueError:
        raise Malformed("envelope_invalid", "ce_id, ce_time or ce_aggregateversion has the wrong form") from None


def decode_body(model: type[EventT], body: bytes | None) -> EventT:
    """The typed event of a record's body; raises Malformed with the places of the faults, never with their values."""
    if body is None:
        raise Malformed("body_null", "the body is null")
    try:
        return model.model_validate_json(body)
    except ValidationError as invalid:
        faults = invalid.errors(include_url=False, include_context=False, include_input=False)
        if faults[0]["type"] == "json_invalid":
            raise Malformed("json_invalid", "the body is not JSON") from None
        places = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in faults)
        raise Malformed("schema_invalid", places) from None
