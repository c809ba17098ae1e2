"""A model of Kafka's log, and of an idempotent producer with its guarantees and no more.

Per partition one request of a producer is under way at a time, and what the broker has not acknowledged it may have
written, may write later, or may never write. Sequence numbers are checked as Kafka does: a producer that the partition
has not seen may begin with any number, which is why a later request can be accepted though an earlier one was refused.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    UnknownError,
)

from tests.ring.plan import FaultKind

if TYPE_CHECKING:
    from tests.ring.world import World

LARGEST_AT_CLIENT = 3_000
LARGEST_AT_BROKER = 2_000
"""Bytes of a body. What lies between is refused by the broker, with all that shares the request."""


class Record(NamedTuple):
    """As aiokafka's ConsumerRecord, where the chassis reads it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class Broker:
    """The partitions' logs, and the last sequence of each producer in each."""

    def __init__(self, world: "World", partitions: int) -> None:
        self._world = world
        self.partitions = partitions
        self.logs: dict[TopicPartition, list[Record]] = defaultdict(list)
        self.next_sequences: dict[tuple[int, TopicPartition], int] = {}
        self._arrivals: list[asyncio.Future[None]] = []

    def append(self, partition: TopicPartition, key: bytes | None, value: bytes | None, headers: Any) -> None:
        log = self.logs[partition]
        log.append(Record(partition.topic, partition.partition, len(log), key, value, headers))
        self._world.watch.saw_record(log[-1])
        self.wake()

    def wake(self) -> None:
        arrivals, self._arrivals = self._arrivals, []
        for arrival in arrivals:
            if not arrival.done():
                arrival.set_result(None)

    async def something_new(self) -> None:
        """Until a record comes or an assignment changes."""
        arrival: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals.append(arrival)
        await arrival


class Entry(NamedTuple):
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes | None]]


class ModelBatch:
    """Implements `chassis.publishing.Batch`. How much it holds is the seed's to choose, one event at least."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.entries: list[Entry] = []

    def append(
        self, *, timestamp: int | None, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes | None]]
    ) -> Any:
        """None where it is full."""
        if self.entries and not self._world.toss():
            return None
        self.entries.append(Entry(key, value, list(headers)))
        return self

    def close(self) -> None:
        """Nothing is added any more."""


class Request(NamedTuple):
    """A batch under way; its sequence was given when its turn came, as aiokafka does."""

    partition: TopicPartition
    sequence: int
    entries: list[Entry]
    acknowledged: "asyncio.Future[None]"


class ModelProducer:
    """Implements `chassis.publishing.Producer`."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._broker = world.broker
        self._process = world.current()
        self._id = 0
        self._queues: dict[TopicPartition, deque[tuple[list[Entry], asyncio.Future[None]]]] = defaultdict(deque)
        self._sequences: dict[TopicPartition, int] = defaultdict(int)
        self._busy: set[TopicPartition] = set()
        self._flushed: asyncio.Future[None] | None = None
        self._broken: KafkaError | None = None

    async def start(self) -> None:
        await self._world.hop()
        if self._world.chaos.strikes(FaultKind.PRODUCER_START) is not None:
            self._world.note("producer refused")
            raise KafkaConnectionError
        self._id = self._world.next_producer_id()

    async def stop(self) -> None:
        """Waits for what is under way, as aiokafka's does."""
        await self._world.hop()
        if self._busy:
            self._flushed = asyncio.get_running_loop().create_future()
            try:
                await self._flushed
            finally:
                self._break(ProducerClosed())

    async def partitions_for(self, topic: str) -> set[int]:
        await self._world.hop()
        return set(range(self._broker.partitions))

    def create_batch(self) -> ModelBatch:
        return ModelBatch(self._world)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> "asyncio.Future[None]":
        await self._world.hop()
        if self._broken is not None:
            raise self._broken
        if any(len(entry.value) > LARGEST_AT_CLIENT for entry in batch.entries):
            raise MessageSizeTooLargeError
        place = TopicPartition(topic, partition)
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues[place].append((batch.entries, acknowledged))
        if place not in self._busy:
            self._busy.add(place)
            self._world.outside(self._request, place)
        return acknowledged

    def _request(self, place: TopicPartition) -> None:
        """The partition's next batch, once the one before it is settled."""
        if self._process.is_frozen:
            self._world.later(self._request, place)
            return
        if not self._queues[place] or self._process.is_dead:
            self._rest(place)
            return
        entries, acknowledged = self._queues[place].popleft()
        request = Request(place, self._sequences[place], entries, acknowledged)
        self._sequences[place] += len(entries)
        self._transmit(request)

    def _transmit(self, request: Request) -> None:
        world = self._world
        pick = world.chaos.strikes(FaultKind.PRODUCE)
        if world.is_traced:
            world.note(f"producer {self._id} sends {len(request.entries)} to {request.partition.partition}", pick)
        match None if pick is None else pick % 6:
            case None:
                world.outside(self._answer, request, self._write(request))
            case 0:
                # The answer is lost; the same request is sent again, and its sequence is known.
                world.later(self._answer, request, self._write(request))
            case 1:
                # It never arrived, and is sent again.
                world.later(self._transmit, request)
            case 2:
                self._answer(request, UnknownError())
            case 3:
                self._write(request)
                self._break(KafkaTimeoutError(), request)
            case 4:
                self._break(KafkaTimeoutError(), request)
            case _:
                # Given up here, written there, later than whatever a new producer sends meanwhile.
                world.later(self._write, request)
                self._break(KafkaTimeoutError(), request)

    def _write(self, request: Request) -> KafkaError | None:
        """What the broker says to a request, having written it or not."""
        if any(len(entry.value) > LARGEST_AT_BROKER for entry in request.entries):
            return MessageSizeTooLargeError()
        known = self._broker.next_sequences
        expected = known.get((self._id, request.partition))
        if expected is not None and request.sequence != expected:
            return OutOfOrderSequenceNumber()
        known[self._id, request.partition] = request.sequence + len(request.entries)
        for entry in request.entries:
            self._broker.append(request.partition, *entry)
        return None

    def _answer(self, request: Request, error: KafkaError | None) -> None:
        _settle(request.acknowledged, error)
        self._request(request.partition)

    def _break(self, error: KafkaError, request: Request | None = None) -> None:
        """The producer is of no use any more: what is queued will never be sent."""
        self._broken = error
        for queue in self._queues.values():
            while queue:
                _settle(queue.popleft()[1], error)
        if request is not None:
            _settle(request.acknowledged, error)
            self._rest(request.partition)

    def _rest(self, place: TopicPartition) -> None:
        self._busy.discard(place)
        if not self._busy and self._flushed is not None and not self._flushed.done():
            self._flushed.set_result(None)


def _settle(future: "asyncio.Future[None]", error: KafkaError | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
        # Nobody has to ask: a producer that was thrown away has futures that nobody waits for.
        future.exception()
