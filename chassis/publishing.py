"""Publishing: each row to its partition, in order, a partition's next batch only once its last is acknowledged.

So a batch that fails holds back what comes behind it, whatever becomes of the other partitions; and a batch grows by
itself to whatever has queued up while the broker was busy.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple, Protocol
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from msgspec import MsgspecError

from chassis.event_metrics import RELAY_ROUND_SECONDS, RELAYED
from chassis.outbox import unpack_headers

MAX_BATCH_BYTES = 512 * 1024
"""Of one partition's batch; an event that is larger travels alone."""


class Unsendable(Exception):
    """The broker will never take this event. `reason` is a stable code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class PendingRow(NamedTuple):
    """A row of the outbox as the relay reads it, by place: asyncpg's records cost less that way."""

    id: int
    segment: int
    topic: str
    key: bytes
    headers: bytes
    body: bytes


class Batch(Protocol):
    """The part of aiokafka's BatchBuilder that is used."""

    def append(
        self, *, timestamp: int | None, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes | None]]
    ) -> Any: ...
    def close(self) -> None: ...


class Producer(Protocol):
    """The part of AIOKafkaProducer that is used; a model of the broker stands in for it in the proofs."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def partitions_for(self, topic: str) -> set[int]: ...
    def create_batch(self) -> Batch: ...
    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Awaitable[Any]: ...


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
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=2 * 1024 * 1024,
            request_timeout_ms=30_000,
        )

    return make


def partition_of(key: bytes, partitions: int) -> int:
    """CRC-32 modulo the number of partitions, as librdkafka's `consistent`: see docs/decisions/partitioner.md."""
    return crc32(key) % partitions


@dataclass(slots=True)
class Publisher:
    """Sends what it is given over one started producer until the first fault; then it is thrown away with it.

    `on_change` is called whenever something was acknowledged or went wrong.
    """

    producer: Producer
    on_change: Callable[[], None]
    in_flight: set[int] = field(default_factory=set)
    """Ids given and not yet forgotten: a row is read again unless it is deleted first."""
    bytes_in_flight: int = 0
    """Of their bodies."""
    fault: Exception | None = None
    refused: list[PendingRow] = field(default_factory=list)
    """A batch that will never be taken as it is; what queued behind it was let go."""
    _acknowledged: list[PendingRow] = field(default_factory=list)
    _queues: dict[tuple[str, int], deque[PendingRow]] = field(default_factory=dict)
    _partitions: dict[str, int] = field(default_factory=dict)
    _senders: set[asyncio.Task[None]] = field(default_factory=set)

    async def submit(self, rows: Iterable[PendingRow]) -> None:
        """Queues the rows at their partitions; returns before they are sent."""
        for row in rows:
            partitions = self._partitions.get(row[2]) or await self._learn_partitions(row[2])
            place = (row[2], partition_of(row[3], partitions))
            self.in_flight.add(row[0])
            self.bytes_in_flight += len(row[5])
            queue = self._queues.get(place)
            if queue is None:
                self._queues[place] = deque([row])
                self._spawn(place)
            else:
                queue.append(row)

    @property
    def has_acknowledged(self) -> bool:
        return bool(self._acknowledged)

    def take_acknowledged(self) -> list[PendingRow]:
        taken, self._acknowledged = self._acknowledged, []
        return taken

    def forget(self, rows: Sequence[PendingRow]) -> None:
        """They are deleted."""
        self.in_flight.difference_update([row[0] for row in rows])
        self.bytes_in_flight -= sum([len(row[5]) for row in rows])

    async def settle(self) -> None:
        """Returns when nothing is under way any more; what is still queued then was let go."""
        while self._senders:
            await asyncio.wait(self._senders)

    async def close(self) -> None:
        """What is under way has an unknown outcome from here on."""
        for sender in self._senders:
            sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)

    async def send_alone(self, row: PendingRow) -> None:
        """Acknowledged when it returns; raises Unsendable where that can never be."""
        partitions = self._partitions.get(row[2]) or await self._learn_partitions(row[2])
        await self._send(row[2], partition_of(row[3], partitions), deque([row]))

    async def _learn_partitions(self, topic: str) -> int:
        self._partitions[topic] = len(await self.producer.partitions_for(topic))
        return self._partitions[topic]

    def _spawn(self, place: tuple[str, int]) -> None:
        sender = asyncio.create_task(self._drain(place))
        self._senders.add(sender)
        sender.add_done_callback(self._senders.discard)

    async def _drain(self, place: tuple[str, int]) -> None:
        """One partition's queue to its end, or to the first fault of any: then the producer is in doubt."""
        queue = self._queues[place]
        try:
            while queue and self._is_sound:
                # Awaited first: what is taken meanwhile must not come back with the old list.
                sent = await self._send(*place, queue)
                self._acknowledged += sent
                self.on_change()
        except Exception as fault:
            self.fault = self.fault or fault
        finally:
            del self._queues[place]
            self.on_change()

    @property
    def _is_sound(self) -> bool:
        return self.fault is None and not self.refused

    async def _send(self, topic: str, partition: int, queue: deque[PendingRow]) -> list[PendingRow]:
        """As many of the queue's first as one batch holds; returns them acknowledged."""
        started = monotonic()
        batch, rows = self._build(queue)
        try:
            await (await self.producer.send_batch(batch, topic, partition=partition))
        except MessageSizeTooLargeError:
            self.refused = rows
            raise Unsendable("refused_by_the_broker", "larger than the topic allows") from None
        RELAYED.labels(topic).inc(len(rows))
        RELAY_ROUND_SECONDS.observe(monotonic() - started)
        return rows

    def _build(self, queue: deque[PendingRow]) -> tuple[Batch, list[PendingRow]]:
        batch = self.producer.create_batch()
        rows: list[PendingRow] = []
        while queue:
            row = queue[0]
            try:
                headers = unpack_headers(row[4])
            except MsgspecError:
                if rows:
                    break
                self.refused = [row]
                raise Unsendable("headers_unreadable", "not written by the outbox") from None
            if batch.append(timestamp=None, key=row[3], value=row[5], headers=headers) is None:
                break
            rows.append(queue.popleft())
        batch.close()
        return batch, rows
