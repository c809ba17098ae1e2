"""Parked events: what a consumer could not apply, kept by key in order, until an operator replays or discards it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Row, Text, bindparam, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import positions
from chassis.errors import NotFound, Refusal
from chassis.ids import new_id
from chassis.outbox import SEGMENTS, pack_headers, unpack_headers
from chassis.positions import Position
from chassis.records import Arrival
from chassis.tables import consumer_positions, parked_events

BEHIND = "behind_a_parked_event"
VERSION_GAP = "version_gap"
"""An earlier version of the aggregate has not come: replayed by itself once it has."""
VERSION_PASSED = "version_passed"
"""A version from before this consumer met the aggregate."""
RELAY = "relay"
"""The `consumer` under which the relay parks an event that the broker refuses for good."""


class ParkedState(StrEnum):
    PARKED = "parked"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class NotParked(Refusal):
    code = "not_parked"
    title = "The event is not parked any more"
    status = HTTPStatus.CONFLICT


class NotFirstInLine(Refusal):
    code = "not_first_in_line"
    title = "An earlier event of the same key is parked"
    status = HTTPStatus.CONFLICT


@dataclass(frozen=True, slots=True)
class Parking:
    """An arrival with the reason for which it is parked."""

    arrival: Arrival
    reason_code: str
    reason_detail: str = ""


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A parked event as a record again, so that a replay takes the road it took the first time."""

    id: UUID
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]

    @classmethod
    def of(cls, row: Row[Any]) -> "ParkedRecord":
        return cls(row.id, row.topic, row.partition, row.record_offset, row.key, row.body, unpack_headers(row.headers))


_BLOCKED = text(
    """
    SELECT p.topic, p.key, bool_and(p.reason_code = 'version_gap') AS waits_for_version
    FROM unnest(:topics, :keys) AS k (topic, key)
    JOIN parked_events p ON p.consumer = :consumer AND p.state = 'parked' AND p.topic = k.topic AND p.key = k.key
    GROUP BY p.topic, p.key
    """
).bindparams(bindparam("topics", type_=ARRAY(Text)), bindparam("keys", type_=ARRAY(LargeBinary)))


async def blocked_lanes(
    session: AsyncSession, consumer: str, arrivals: Iterable[Arrival]
) -> dict[tuple[str, bytes], bool]:
    """The lanes of `arrivals` in which something is parked, and whether all that they wait for is a missing version."""
    lanes = {(a.record.topic, a.record.key) for a in arrivals if a.record.key is not None}
    if not lanes:
        return {}
    topics, keys = zip(*sorted(lanes), strict=True)
    found = await session.execute(_BLOCKED, {"consumer": consumer, "topics": list(topics), "keys": list(keys)})
    return {(row.topic, row.key): row.waits_for_version for row in found}


async def lock_lanes(session: AsyncSession, consumer: str, lanes: Iterable[tuple[str, bytes]]) -> None:
    """Until the end of the transaction nobody else parks into or replays these lanes: none is left behind unseen."""
    names = sorted({f"{consumer}|{topic}|{key.hex()}" for topic, key in lanes})
    for name in names:
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


async def park(session: AsyncSession, consumer: str, parkings: Sequence[Parking]) -> None:
    """Writes them in order; a record that is parked already (its offset was not committed) stays as it is."""
    if not parkings:
        return
    await lock_lanes(session, consumer, _keyed(parkings))
    rows = [_row(consumer, parking) for parking in parkings]
    await session.execute(
        upsert(parked_events).on_conflict_do_nothing(
            index_elements=["consumer", "topic", "partition", "record_offset"]
        ),
        rows,
    )


def _keyed(parkings: Iterable[Parking]) -> set[tuple[str, bytes]]:
    return {(p.arrival.record.topic, p.arrival.record.key) for p in parkings if p.arrival.record.key is not None}


def _row(consumer: str, parking: Parking) -> dict[str, Any]:
    record, envelope = parking.arrival.record, parking.arrival.envelope
    return {
        "id": new_id(),
        "consumer": consumer,
        "topic": record.topic,
        "partition": record.partition,
        "record_offset": record.offset,
        "key": record.key,
        "headers": pack_headers(list(record.headers)),
        "body": record.value,
        "event_id": envelope.id if envelope else None,
        "event_type": envelope.type if envelope else None,
        "aggregate_version": envelope.aggregate_version if envelope else None,
        "state": ParkedState.PARKED,
        "reason_code": parking.reason_code,
        "reason_detail": parking.reason_detail[:2000],
        "attempts": parking.arrival.attempts,
        "parked_at": datetime.now(UTC),
    }


async def first_in_lane(
    session: AsyncSession, consumer: str, topic: str, key: bytes | None, id_: UUID
) -> Row[Any] | None:
    """The parked event that is next in the lane, locked; where there is no key, the event itself."""
    lane = parked_events.c.key == key if key is not None else parked_events.c.id == id_
    found = await session.execute(
        select(parked_events)
        .where(parked_events.c.consumer == consumer, parked_events.c.topic == topic, lane)
        .where(parked_events.c.state == ParkedState.PARKED)
        # What filled a gap late lies behind what waited for it; a record that nobody can read keeps its place.
        .order_by(
            func.coalesce(parked_events.c.aggregate_version, 0),
            parked_events.c.partition,
            parked_events.c.record_offset,
        )
        .limit(1)
        .with_for_update()
    )
    return found.one_or_none()


async def settle(session: AsyncSession, id_: UUID, state: ParkedState, by: str, reason: str | None = None) -> None:
    await session.execute(
        update(parked_events)
        .where(parked_events.c.id == id_)
        .values(state=state, settled_at=datetime.now(UTC), settled_by=by, settled_reason=reason)
    )


async def note_failure(session: AsyncSession, id_: UUID, reason_code: str, reason_detail: str) -> None:
    """A replay failed again: the reason seen last is the one that helps."""
    await session.execute(
        update(parked_events)
        .where(parked_events.c.id == id_)
        .values(attempts=parked_events.c.attempts + 1, reason_code=reason_code, reason_detail=reason_detail[:2000])
    )


async def find(session: AsyncSession, id_: UUID, *, lock: bool = False) -> Row[Any]:
    query = select(parked_events).where(parked_events.c.id == id_)
    found = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    if found is None:
        raise NotFound("no such parked event", parked_event_id=id_)
    return found


async def list_parked(
    session: AsyncSession,
    *,
    state: ParkedState | None = ParkedState.PARKED,
    topic: str | None = None,
    key: str | None = None,
    limit: int = 50,
    after: tuple[datetime, UUID] | None = None,
) -> Sequence[Row[Any]]:
    """Oldest first, keyset-paged by (parked_at, id)."""
    query = select(parked_events).order_by(parked_events.c.parked_at, parked_events.c.id).limit(limit)
    if state is not None:
        query = query.where(parked_events.c.state == state)
    if topic is not None:
        query = query.where(parked_events.c.topic == topic)
    if key is not None:
        query = query.where(parked_events.c.key == key.encode())
    if after is not None:
        query = query.where(tuple_(parked_events.c.parked_at, parked_events.c.id) > after)
    return (await session.execute(query)).all()


async def healed_lanes(session: AsyncSession) -> Sequence[Row[Any]]:
    """The first of each lane that waited for a version which has come since."""
    gap = parked_events.c.reason_code == VERSION_GAP
    follows = parked_events.c.aggregate_version == consumer_positions.c.last_version + 1
    same = (consumer_positions.c.consumer == parked_events.c.consumer) & (
        consumer_positions.c.key == parked_events.c.key
    )
    query = select(parked_events).join(consumer_positions, same & follows).where(gap)
    return (await session.execute(query.where(parked_events.c.state == ParkedState.PARKED))).all()


async def count_waiting(session: AsyncSession) -> int:
    query = select(func.count()).select_from(parked_events).where(parked_events.c.state == ParkedState.PARKED)
    return await session.scalar(query) or 0


async def discard(session: AsyncSession, id_: UUID, *, by: str, reason: str) -> Row[Any]:
    """Gives an event up. Only the first of its lane can be, so that nobody discards what they did not look at."""
    parked = await find(session, id_)
    await lock_lane_of(session, parked)
    parked = await find(session, id_, lock=True)
    if parked.state == ParkedState.DISCARDED:
        return parked
    if parked.state != ParkedState.PARKED:
        raise NotParked("the event was replayed", parked_event_id=id_)
    first = await first_in_lane(session, parked.consumer, parked.topic, parked.key, id_)
    if first is None or first.id != id_:
        raise NotFirstInLine("settle the earlier one first", parked_event_id=id_, first_id=first.id if first else "")
    await settle(session, id_, ParkedState.DISCARDED, by, reason)
    await _step_over(session, parked)
    return await find(session, id_)


async def _step_over(session: AsyncSession, parked: Row[Any]) -> None:
    """The versions that follow a discarded one are no gap."""
    if parked.consumer == RELAY or parked.key is None:
        return
    version = parked.aggregate_version
    if version is None:
        await positions.forget(session, parked.consumer, parked.key)
    else:
        await positions.advance(session, parked.consumer, {parked.key: Position(version, version)})


async def lock_lane_of(session: AsyncSession, parked: Row[Any]) -> None:
    if parked.key is not None:
        await lock_lanes(session, parked.consumer, [(parked.topic, parked.key)])


_RETURN = text(
    """
    INSERT INTO outbox (id, segment, shard, event_id, topic, key, headers, body, created_at)
    SELECT record_offset, :segment, :slot, event_id, topic, key, headers, body, parked_at
    FROM parked_events WHERE id = :id
    """
)


async def back_to_outbox(session: AsyncSession, id_: UUID, slot: int) -> None:
    """For what the relay parked: it takes its old place again, before whatever its key has published since.

    It does so in the segment that the relay reads whole, as its place may be one that the relay has left behind.
    """
    await session.execute(_RETURN, {"id": id_, "slot": slot, "segment": SEGMENTS})
