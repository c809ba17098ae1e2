"""The relay: publishes the pending set of one shard in order, and deletes what the broker has acknowledged.

One is active per shard, guarded by an advisory lock of the very session that deletes: whoever loses the session
loses the lock and can delete nothing more. Two relays that overlap for a moment each send in order, so that the
first occurrence of every event of a key keeps its order; the second occurrence is the inbox's to absorb.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.event_metrics import (
    OUTBOX_AGE_SECONDS,
    OUTBOX_DEPTH,
    RELAY_FAULTS,
    RELAY_LEADS,
    RELAY_ROUND_SECONDS,
    RELAYED,
)
from chassis.outbox import unpack_headers

log = structlog.get_logger(__name__)

LOCK_CLASS = 0x5742
"""The first half of the advisory lock's key; the shard is the second."""

IDLE_SECONDS = (0.002, 0.02)
"""Polls after work, and polls after a long rest: the wait doubles from one to the other."""
FAULT_SECONDS = (0.1, 5.0)
STANDBY_SECONDS = 0.25

_READ = """
    SELECT id, event_id, topic, key, headers, body FROM outbox
    WHERE shard % $1 = $2 ORDER BY id LIMIT $3
"""
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_DEPTH = text("SELECT count(*), extract(epoch FROM now() - min(created_at)) FROM outbox")
_PARK = """
    INSERT INTO parked_events (id, consumer, topic, partition, record_offset, key, headers, body, event_id, state,
                               reason_code, reason_detail, parked_at)
    SELECT gen_random_uuid(), 'relay', topic, -1, id, key, headers, body, event_id, 'parked', $2, $3, now()
    FROM outbox WHERE id = $1
    ON CONFLICT ON CONSTRAINT uq_parked_events_record DO UPDATE SET
        state = 'parked', reason_code = excluded.reason_code, reason_detail = excluded.reason_detail,
        settled_at = NULL, settled_by = NULL, settled_reason = NULL
"""
# The same lock as chassis/parking.py: nobody replays the lane while something is put into it.
_LOCK_LANE = "SELECT pg_advisory_xact_lock(hashtextextended('relay|' || $1 || '|' || encode($2, 'hex'), 0))"
_IS_BLOCKED = """
    SELECT EXISTS (SELECT FROM parked_events
                   WHERE consumer = 'relay' AND state = 'parked' AND topic = $1 AND key = $2)
"""
_BLOCKED = "SELECT DISTINCT topic, key FROM parked_events WHERE consumer = 'relay' AND state = 'parked'"


class Producer(Protocol):
    """The part of AIOKafkaProducer that the relay uses; a model of the broker stands in for it in the proofs."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def send(
        self, topic: str, value: bytes, key: bytes, *, headers: list[tuple[str, bytes]]
    ) -> Awaitable[Any]: ...


ProducerFactory = Callable[[], Producer]


def kafka_producer(bootstrap_servers: str, client_id: str) -> ProducerFactory:
    """Idempotent, acknowledged by all in-sync replicas; an unknown outcome is sent again and absorbed."""

    def make() -> Producer:
        return AIOKafkaProducer(  # type: ignore[no-any-return]
            bootstrap_servers=bootstrap_servers,
            client_id=client_id,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=512 * 1024,
            max_request_size=2 * 1024 * 1024,
            request_timeout_ms=30_000,
        )

    return make


@dataclass(frozen=True, slots=True)
class Shard:
    number: int
    of: int


class Relay:
    """Runs until stopped; `wake` cuts the wait for the next poll short."""

    def __init__(self, dsn: str, shard: Shard, producer_factory: ProducerFactory, batch_size: int = 1_000) -> None:
        self._dsn = dsn
        self.shard = shard
        self._make_producer = producer_factory
        self._batch_size = batch_size
        self._producer: Producer | None = None
        self._woken = asyncio.Event()
        self._stopping = False
        self._blocked: set[tuple[str, bytes]] = set()
        self.last_progress = monotonic()
        self.is_leading = False

    @property
    def name(self) -> str:
        return f"relay-{self.shard.number}"

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        """The round in flight ends first: what was sent is deleted."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Leads while it can; a lost database or broker is tried again for ever, with growing pauses."""
        wait = FAULT_SECONDS[0]
        while not self._stopping:
            try:
                await self._lead()
                wait = FAULT_SECONDS[0]
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError) as fault:
                RELAY_FAULTS.labels(type(fault).__name__).inc()
                log.warning("relay_fault", shard=self.shard.number, fault=type(fault).__name__)
                self.last_progress = monotonic()
                await self._rest(wait)
                wait = min(FAULT_SECONDS[1], wait * 2)
            finally:
                await self._discard_producer()

    async def _lead(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=10, server_settings={"application_name": "relay"})
        try:
            if not await self._take_shard(connection):
                return
            self._set_leading(True)
            await self._publish_until_stopped(connection)
        finally:
            self._set_leading(False)
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=2)

    async def _take_shard(self, connection: asyncpg.Connection) -> bool:
        while not self._stopping:
            if await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", LOCK_CLASS, self.shard.number):
                return True
            self.last_progress = monotonic()
            await self._rest(STANDBY_SECONDS)
        return False

    async def _publish_until_stopped(self, connection: asyncpg.Connection) -> None:
        read = await connection.prepare(_READ)
        await self._learn_blocked(connection)
        idle = IDLE_SECONDS[0]
        while not self._stopping:
            # Cleared before the read: a commit after it wakes the next wait, never none.
            self._woken.clear()
            rows = await read.fetch(self.shard.of, self.shard.number, self._batch_size)
            self.last_progress = monotonic()
            if rows:
                await self._round(connection, rows)
                idle = IDLE_SECONDS[0]
            else:
                await self._rest(idle)
                idle = min(IDLE_SECONDS[1], idle * 2)

    async def _round(self, connection: asyncpg.Connection, rows: list[asyncpg.Record]) -> None:
        started = monotonic()
        if self._blocked:
            # Only the leader parks, so that nothing is blocked unknown to it; a replay may have freed some.
            await self._learn_blocked(connection)
        if self._blocked:
            await self._publish_one_by_one(connection, rows)
            return
        try:
            await self._publish(rows)
        except MessageSizeTooLargeError:
            await self._discard_producer()
            await self._publish_one_by_one(connection, rows)
            return
        await connection.execute(_DELETE, [row["id"] for row in rows])
        self.last_progress = monotonic()
        RELAY_ROUND_SECONDS.observe(self.last_progress - started)

    async def _publish(self, rows: list[asyncpg.Record]) -> None:
        """All in flight at once, in order; returns when each is acknowledged, raises when one is not."""
        producer = await self._ready_producer()
        acknowledgements = []
        for row in rows:
            headers: Any = unpack_headers(row["headers"])
            acknowledgements.append(await producer.send(row["topic"], row["body"], row["key"], headers=headers))
        outcomes = await asyncio.gather(*acknowledgements, return_exceptions=True)
        for fault in outcomes:
            if isinstance(fault, BaseException):
                raise fault
        for row in rows:
            RELAYED.labels(row["topic"]).inc()

    async def _publish_one_by_one(self, connection: asyncpg.Connection, rows: list[asyncpg.Record]) -> None:
        """Finds the event that the broker refuses for good, parks it with what comes behind it, and goes on."""
        for row in rows:
            lane = (row["topic"], row["key"])
            try:
                if lane in self._blocked and await self._park_behind(connection, row):
                    continue
                await self._publish([row])
                await connection.execute(_DELETE, [row["id"]])
            except MessageSizeTooLargeError:
                await self._discard_producer()
                await self._park(connection, row, "refused_by_the_broker")
                self._blocked.add(lane)

    async def _learn_blocked(self, connection: asyncpg.Connection) -> None:
        self._blocked = {(row["topic"], row["key"]) for row in await connection.fetch(_BLOCKED)}

    async def _park_behind(self, connection: asyncpg.Connection, row: asyncpg.Record) -> bool:
        """Whether it had to be: a replay may just have emptied the lane, and then it may go."""
        async with connection.transaction():
            await connection.execute(_LOCK_LANE, row["topic"], row["key"])
            if not await connection.fetchval(_IS_BLOCKED, row["topic"], row["key"]):
                return False
            await self._put_aside(connection, row, "behind_a_parked_event")
        return True

    async def _park(self, connection: asyncpg.Connection, row: asyncpg.Record, reason: str) -> None:
        async with connection.transaction():
            await connection.execute(_LOCK_LANE, row["topic"], row["key"])
            await self._put_aside(connection, row, reason)

    async def _put_aside(self, connection: asyncpg.Connection, row: asyncpg.Record, reason: str) -> None:
        await connection.execute(_PARK, row["id"], reason, "larger than the topic allows")
        await connection.execute(_DELETE, [row["id"]])
        log.error("event_parked", consumer="relay", reason=reason, event_id=str(row["event_id"]))

    async def _ready_producer(self) -> Producer:
        if self._producer is None:
            producer = self._make_producer()
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def _discard_producer(self) -> None:
        """After an error its sequence numbers are in doubt: the next round starts with a new one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                await asyncio.wait_for(producer.stop(), 5)

    async def _rest(self, seconds: float) -> None:
        if self._stopping:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    def _set_leading(self, leads: bool) -> None:
        self.is_leading = leads
        RELAY_LEADS.labels(str(self.shard.number)).set(leads)


async def measure_outbox(session: AsyncSession) -> None:
    """Depth and age of the pending set, for the gauges."""
    depth, age_seconds = (await session.execute(_DEPTH)).one()
    OUTBOX_DEPTH.set(depth)
    OUTBOX_AGE_SECONDS.set(age_seconds or 0)
