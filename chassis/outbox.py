"""The only way to publish: an event is a row of the transaction that made it true, or it never happened."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

import msgspec
from sqlalchemy import DateTime, LargeBinary, SmallInteger, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from chassis.causation import Cause, current_cause
from chassis.ids import new_id
from contracts.envelope import Envelope, Event, Headers, to_headers

SHARD_SLOTS = 64
"""Keys hash into this many slots; a relay shard serves a share of them, so that the number of shards can change."""

SEGMENTS = 8
"""The outbox is a ring of so many segments, filled in turn with the rows of `SEGMENT_ROWS` ids each."""
SEGMENT_ROWS = 16_384

_PENDING = "outbox.pending"
_WROTE = "outbox.wrote"


class PendingEvent(NamedTuple):
    """The columns of a row of the outbox, in the order in which the statement below takes them."""

    slot: int
    event_id: UUID
    topic: str
    key: bytes
    headers: bytes
    body: bytes
    created_at: datetime


class EventTooLarge(Exception):
    """Raised where the event is made, so that the command fails and not the relay."""


@dataclass(frozen=True, slots=True)
class OutboxConfig:
    """What a session must know to publish; `Database` puts it into the `info` of each."""

    source: str
    max_event_bytes: int = 512 * 1024


def add(session: AsyncSession, event: Event, *, version: int, cause: Cause | None = None) -> UUID:
    """Publishes `event` with the transaction of `session`; returns the event's id. Neither flushes nor commits.

    `version` is the aggregate's after this change (`Versioned.next_version`). `cause` defaults to the current one.
    """
    sync_session = session.sync_session
    if sync_session.in_nested_transaction():
        raise RuntimeError("an event added inside a savepoint could outlive its rollback: add it outside")
    config: OutboxConfig = sync_session.info["outbox"]
    pending = encode(event, version=version, config=config, cause=cause)
    sync_session.info.setdefault(_PENDING, []).append(pending)
    return pending.event_id


def slot_of(key: bytes) -> int:
    return crc32(key) % SHARD_SLOTS


def segment_of(id_: int) -> int:
    return id_ // SEGMENT_ROWS % SEGMENTS


def encode(event: Event, *, version: int, config: OutboxConfig, cause: Cause | None = None) -> PendingEvent:
    """The event as a row."""
    cause = cause or current_cause()
    event_id = new_id()
    # The machine's clock: an envelope's time is about the publishing; business instants are in the body.
    created_at = datetime.now(UTC)
    subject = event.subject
    body = event.model_dump_json(exclude_none=True).encode()
    if len(body) > config.max_event_bytes:
        raise EventTooLarge(f"{event.type} {subject} has {len(body)} bytes of {config.max_event_bytes}")
    key = subject.encode()
    headers = to_headers(_envelope(event, event_id, created_at, subject, version, cause, config.source))
    return PendingEvent(slot_of(key), event_id, event.topic.name, key, pack_headers(headers), body, created_at)


def _envelope(
    event: Event, event_id: UUID, created_at: datetime, subject: str, version: int, cause: Cause | None, source: str
) -> Envelope:
    schema = event.dataschema()
    if cause is None:
        return Envelope(event_id, event.type, source, created_at, subject, schema, version, str(event_id))
    ids = (cause.correlation_id, cause.causation_id, cause.traceparent)
    return Envelope(event_id, event.type, source, created_at, subject, schema, version, *ids)


def pack_headers(headers: Headers | list[tuple[str, bytes | None]]) -> bytes:
    """Headers as one column: MessagePack of pairs, so that any record's headers survive, null ones too."""
    return _encode_headers(headers)


def unpack_headers(packed: bytes) -> list[tuple[str, bytes | None]]:
    """Raises msgspec.DecodeError where `pack_headers` did not write it."""
    return _decode_headers(packed)


_encode_headers = msgspec.msgpack.Encoder().encode
_decode_headers = msgspec.msgpack.Decoder(list[tuple[str, bytes | None]]).decode


_COLUMNS = ("slots", "event_ids", "topics", "keys", "headers", "bodies", "created_at")
# One statement for any number of events; unnest keeps the order they were added in.
_INSERT = text(
    """
    INSERT INTO outbox (id, segment, shard, event_id, topic, key, headers, body, created_at)
    SELECT id, outbox_segment(id), shard, event_id, topic, key, headers, body, created_at
    FROM (SELECT nextval('outbox_ids') AS id, * FROM unnest(
        :slots, :event_ids, :topics, :keys, :headers, :bodies, :created_at
    ) AS added (shard, event_id, topic, key, headers, body, created_at)) AS numbered
    """
).bindparams(
    bindparam("slots", type_=ARRAY(SmallInteger)),
    bindparam("event_ids", type_=ARRAY(Uuid)),
    bindparam("topics", type_=ARRAY(Text)),
    bindparam("keys", type_=ARRAY(LargeBinary)),
    bindparam("headers", type_=ARRAY(LargeBinary)),
    bindparam("bodies", type_=ARRAY(LargeBinary)),
    bindparam("created_at", type_=ARRAY(DateTime(timezone=True))),
)


def write_pending(session: Session) -> None:
    """Runs as the last statement before COMMIT, after the flush that takes the aggregates' row locks."""
    session.flush()
    pending: list[PendingEvent] = session.info.pop(_PENDING, [])
    if not pending:
        return
    session.execute(_INSERT, dict(zip(_COLUMNS, map(list, zip(*pending, strict=True)), strict=True)))
    session.info[_WROTE] = True


def forget_pending(session: Session) -> None:
    session.info.pop(_PENDING, None)
    session.info.pop(_WROTE, None)


def took_events(session: Session) -> bool:
    """Whether the commit just made left events; asking clears the answer."""
    return bool(session.info.pop(_WROTE, False))
