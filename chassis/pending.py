"""The pending set: the rows of the outbox that one shard's relay has still to publish, over the relay's own sessions.

Two things keep it as fast with a long history, or with a snapshot held open for hours, as it is when new. Reading
starts above a floor below which no row can appear any more, so that nobody walks over dead rows; and the table is a
ring of segments by id, each emptied by TRUNCATE once all have left it, so that its space returns without a vacuum.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Self

import asyncpg
import structlog

from chassis.outbox import SEGMENT_ROWS, SEGMENTS, segment_of
from chassis.publishing import PendingRow

log = structlog.get_logger(__name__)

LOCK_CLASS = 0x5742
"""The first half of the advisory lock's key; the shard is the second."""

# A connection that is lost at a bad moment leaves asyncpg in a state it calls an internal error.
LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

FLOOR_SECONDS = 0.1
RECLAIM_SECONDS = 1.0
READ_BYTES = 16 * 1024 * 1024
"""Of bodies, at which a read ends before its limit of rows."""

SESSION = {
    "application_name": "relay",
    # A deletion that a crash of the server undoes costs a duplicate, which the inbox absorbs: no need to wait for it.
    "synchronous_commit": "off",
    "jit": "off",
}
READER = {
    "application_name": "relay reader",
    # Always in the order of the index, whatever the statistics of a table say that is empty most of the time.
    "enable_seqscan": "off",
    "enable_sort": "off",
    "jit": "off",
    # Planned with the ids in flight before it, the server makes them a hash table; else it compares each row with each.
    "plan_cache_mode": "force_custom_plan",
}

# What a replay has put back has its old id, which may lie below the floor. The first is read whatever its size.
READ = """
    SELECT id, segment, topic, key, headers, body FROM (
        SELECT *, sum(octet_length(body)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) - octet_length(body) AS before
        FROM outbox
        WHERE shard % $1 = $2 AND id > (SELECT least($4::bigint, min(id) - 1) FROM outbox_returned)
          AND id <> ALL($5::bigint[])
        ORDER BY id LIMIT $3
    ) AS first WHERE before < $6 ORDER BY id
"""
_DELETE = "DELETE FROM {table} WHERE id = ANY($1::bigint[])"
_HIGHEST = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_ids"
# A writer holds this lock from before it draws an id until its rows can be seen or never will.
_WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'outbox'::regclass AND mode = 'RowExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
"""
_RECLAIM = "SELECT reclaim_outbox_segment($1)"
_PARK = """
    INSERT INTO parked_events (id, consumer, topic, partition, record_offset, key, headers, body, event_id, state,
                               reason_code, reason_detail, parked_at)
    SELECT gen_random_uuid(), 'relay', topic, -1, id, key, headers, body, event_id, 'parked', $2, $3, now()
    FROM outbox WHERE id = $1
    ON CONFLICT ON CONSTRAINT uq_parked_events_record DO UPDATE SET
        state = 'parked', reason_code = excluded.reason_code, reason_detail = excluded.reason_detail,
        settled_at = NULL, settled_by = NULL, settled_reason = NULL
    RETURNING event_id
"""
# The same lock as chassis/parking.py: nobody replays the lane while something is put into it.
_LOCK_LANE = "SELECT pg_advisory_xact_lock(hashtextextended('relay|' || $1 || '|' || encode($2, 'hex'), 0))"
_IS_BLOCKED = """
    SELECT EXISTS (SELECT FROM parked_events
                   WHERE consumer = 'relay' AND state = 'parked' AND topic = $1 AND key = $2)
"""
_BLOCKED = "SELECT DISTINCT topic, key FROM parked_events WHERE consumer = 'relay' AND state = 'parked'"


@dataclass(frozen=True, slots=True)
class Shard:
    number: int
    of: int


@dataclass(slots=True)
class _Mark:
    """Once none of `writers` is at work any more, no row up to `id` can appear."""

    id: int
    writers: frozenset[str]


@dataclass(slots=True)
class PendingSet:
    """Safe to be read while something is deleted from it; neither twice at once."""

    connection: asyncpg.Connection
    """Leads the shard, deletes and parks."""
    reader: asyncpg.Connection
    shard: Shard
    floor: int = 0
    """No row at or below it is pending, nor can one appear, but among what a replay has put back."""
    has_more: bool = True
    """Whether the last read may have left some."""
    _closed_up_to: int = 0
    _mark: _Mark | None = None
    _marked_at: float = 0.0
    _reclaimed_at: float = 0.0
    _deleted_since: int = 0
    _left: set[int] = field(default_factory=lambda: set(range(SEGMENTS)))
    """Segments that may hold nothing but dead rows."""

    @classmethod
    async def open(cls, dsn: str, shard: Shard) -> Self:
        connection = await asyncpg.connect(dsn, timeout=10, server_settings=SESSION)
        try:
            return cls(connection, await asyncpg.connect(dsn, timeout=10, server_settings=READER), shard)
        except BaseException:
            connection.terminate()
            raise

    async def close(self) -> None:
        for connection in (self.connection, self.reader):
            with suppress(*LOST):
                await connection.close(timeout=2)

    async def take_shard(self) -> bool:
        """Whether this session leads the shard; it does until it ends."""
        taken = await self.connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", LOCK_CLASS, self.shard.number)
        return bool(taken)

    async def read(self, limit: int, in_flight: Collection[int]) -> Sequence[PendingRow]:
        """The first rows in the order of ids, without those that are in flight when it begins."""
        await self._raise_floor()
        rows: list[PendingRow] = await self.reader.fetch(
            READ, self.shard.of, self.shard.number, limit, self.floor, list(in_flight), READ_BYTES
        )
        self.has_more = len(rows) >= limit or sum(len(row[5]) for row in rows) >= READ_BYTES
        lowest = min(rows[0][0] if rows else self._closed_up_to + 1, min(in_flight, default=self._closed_up_to + 1))
        self.floor = max(self.floor, min(self._closed_up_to, lowest - 1))
        return rows

    async def delete(self, rows: Iterable[PendingRow]) -> None:
        by_segment: dict[int, list[int]] = {}
        for row in rows:
            by_segment.setdefault(row[1], []).append(row[0])
        for segment, ids in by_segment.items():
            await self.connection.execute(_DELETE.format(table=table_of(segment)), ids)
            self._left.add(segment)
            self._deleted_since += len(ids)

    async def reclaim(self) -> None:
        """Empties the segments that all have left; looks once a second, and after a segment's worth of deletions."""
        now = monotonic()
        if now - self._reclaimed_at < RECLAIM_SECONDS and self._deleted_since < SEGMENT_ROWS:
            return
        self._reclaimed_at, self._deleted_since = now, 0
        current = segment_of(await self.connection.fetchval(_HIGHEST) + 1)
        for segment in sorted(self._left - {current, SEGMENTS}):
            if await self.connection.fetchval(_RECLAIM, segment):
                self._left.discard(segment)

    async def _raise_floor(self) -> None:
        now = monotonic()
        if now - self._marked_at < FLOOR_SECONDS:
            return
        self._marked_at = now
        # In this order: who has drawn an id up to this one is at work when asked for next, or is done.
        highest = await self.reader.fetchval(_HIGHEST)
        writers = frozenset(row[0] for row in await self.reader.fetch(_WRITERS))
        if self._mark is not None and not self._mark.writers & writers:
            self._closed_up_to = self._mark.id
            self._mark = None
        if self._mark is None:
            self._mark = _Mark(highest, writers)

    async def blocked_lanes(self) -> set[tuple[str, bytes]]:
        return {(row["topic"], row["key"]) for row in await self.connection.fetch(_BLOCKED)}

    async def park(self, row: PendingRow, reason: str, detail: str) -> None:
        async with self.connection.transaction():
            await self.connection.execute(_LOCK_LANE, row[2], row[3])
            await self._put_aside(row, reason, detail)

    async def park_behind(self, row: PendingRow) -> bool:
        """Whether it had to be: a replay may just have put the lane's earlier rows back, which go first."""
        async with self.connection.transaction():
            await self.connection.execute(_LOCK_LANE, row[2], row[3])
            if not await self.connection.fetchval(_IS_BLOCKED, row[2], row[3]):
                return False
            await self._put_aside(row, "behind_a_parked_event", "")
        return True

    async def _put_aside(self, row: PendingRow, reason: str, detail: str) -> None:
        event_id = await self.connection.fetchval(_PARK, row[0], reason, detail)
        await self.delete([row])
        log.error("event_parked", consumer="relay", reason=reason, event_id=str(event_id))


def table_of(segment: int) -> str:
    return "outbox_returned" if segment == SEGMENTS else f"outbox_{segment}"
