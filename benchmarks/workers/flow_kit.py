"""What the floor's services have in common: outbox, relay, inbox and consumer, on asyncpg and aiokafka alone.

The guarantees are the product's: what is published is committed with its cause, leaves in order and is deleted after
the broker's acknowledgement; what comes twice is applied once, and the offsets are committed after the effects.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID
from zlib import crc32

import asyncpg
from aiokafka import AIOKafkaConsumer
from uuid_utils.compat import uuid7

from benchmarks.workers.intake_floor import nothing_to_reset
from chassis.outbox import pack_headers, unpack_headers
from chassis.publishing import kafka_producer

TOPIC_PREFIX = "floor."
"""The product's names are taken by the product."""
BATCH, POLL_MS, RELAY_BATCH, RELAY_POLL_SECONDS = 500, 5, 1_000, 0.02

CLAIM = """
    INSERT INTO inbox (event_id, consumer, received_at) SELECT event_id, $1, now() FROM unnest($2::uuid[]) AS event_id
    ON CONFLICT DO NOTHING RETURNING event_id
"""
PUBLISH = """
    INSERT INTO outbox (id, segment, shard, event_id, topic, key, headers, body, created_at)
    SELECT id, outbox_segment(id), shard, event_id, topic, key, headers, body, now()
      FROM (SELECT nextval('outbox_ids') AS id, *
              FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[])
                AS e (shard, event_id, topic, key, headers, body)) AS drawn
"""
PENDING = "SELECT id, topic, key, headers, body FROM outbox ORDER BY id LIMIT $1"
RELAY_LOCK = "SELECT pg_advisory_lock(1)"

Fact = tuple[str, str, str, dict[str, Any]]
"""Topic, type, key and body of an event."""
Apply = Callable[[Any, str, list[dict[str, Any]]], Awaitable[None]]
"""Applies the bodies of events of one type in the transaction of the connection."""


class Station:
    """One service of the floor: its database, its relay and its consumers."""

    def __init__(self, dsn: str, kafka: str, name: str) -> None:
        self.name = name
        self._dsn, self._kafka = dsn, kafka
        self.pool: Any = None
        self._written = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        self.pool = await asyncpg.create_pool(self._dsn, min_size=10, max_size=10, reset=nothing_to_reset)
        self.spawn(self._relay())

    def spawn(self, work: Any) -> None:
        self._tasks.append(asyncio.create_task(work))

    def wake(self) -> None:
        """Something was committed to the outbox."""
        self._written.set()

    async def until_one_fails(self) -> None:
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def _relay(self) -> None:
        producer: Any = kafka_producer(self._kafka, f"floor-{self.name}")()
        await producer.start()
        connection = await asyncpg.connect(self._dsn)
        await connection.execute(RELAY_LOCK)
        while True:
            self._written.clear()
            rows = await connection.fetch(PENDING, RELAY_BATCH)
            if not rows:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._written.wait(), RELAY_POLL_SECONDS)
                continue
            sent = [await producer.send(_topic(row), row["body"], row["key"], headers=_headers(row)) for row in rows]
            await asyncio.gather(*sent)
            await connection.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", [row["id"] for row in rows])

    async def consume(self, topic: str, handlers: Mapping[str, Apply]) -> None:
        consumer = AIOKafkaConsumer(
            TOPIC_PREFIX + topic,
            bootstrap_servers=self._kafka,
            group_id=f"floor.{self.name}.{topic}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        self.spawn(self._consume(consumer, handlers))

    async def _consume(self, consumer: AIOKafkaConsumer, handlers: Mapping[str, Apply]) -> None:
        while True:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
            if not fetched:
                continue
            arrived: dict[str, dict[UUID, dict[str, Any]]] = {}
            for records in fetched.values():
                for record in records:
                    headers = dict(record.headers)
                    of_type = arrived.setdefault(headers["ce_type"].decode(), {})
                    of_type[UUID(headers["ce_id"].decode())] = record.value
            await self._apply({type_: events for type_, events in arrived.items() if type_ in handlers}, handlers)
            await consumer.commit({place: records[-1].offset + 1 for place, records in fetched.items()})

    async def _apply(self, arrived: dict[str, dict[UUID, Any]], handlers: Mapping[str, Apply]) -> None:
        if not arrived:
            return
        async with self.pool.acquire() as connection, connection.transaction():
            for type_, events in arrived.items():
                claimed = await connection.fetch(CLAIM, self.name, list(events))
                bodies = [json.loads(events[row["event_id"]]) for row in claimed]
                if bodies:
                    await handlers[type_](connection, type_, bodies)
        self.wake()


async def publish(connection: Any, facts: Sequence[Fact]) -> None:
    rows = [_row(*fact) for fact in facts]
    await connection.execute(PUBLISH, *map(list, zip(*rows, strict=True)))


def _row(topic: str, type_: str, key: str, body: dict[str, Any]) -> tuple[int, UUID, str, bytes, bytes, bytes]:
    event_id, raw_key = uuid7(), key.encode()
    headers = pack_headers([("ce_id", str(event_id).encode()), ("ce_type", type_.encode())])
    return crc32(raw_key) % 64, event_id, topic, raw_key, headers, json.dumps(body).encode()


def _topic(row: Any) -> str:
    return TOPIC_PREFIX + str(row["topic"])


def _headers(row: Any) -> list[tuple[str, bytes | None]]:
    return unpack_headers(row["headers"])
