"""A model of a consumer group, of aiokafka's consumer and of the loop in which FastStream drives a batch subscriber.

A rebalance is known to the coordinator first and to each member when it gets round to it: until then a member goes on
with what it was assigned, and only its offset commits are refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaTimeoutError

from tests.ring.broker import Record
from tests.ring.loop import CURRENT
from tests.ring.plan import FaultKind

if TYPE_CHECKING:
    from tests.ring.world import World

Handler = Callable[[Sequence[Record]], Awaitable[None]]
AFTER_AN_ERROR_SECONDS = 5.0
"""As FastStream waits after a fetch that failed."""


class Group:
    """The coordinator's view: members, who has which partition, and the committed offsets."""

    def __init__(self, world: "World", partitions: Sequence[TopicPartition]) -> None:
        self._world = world
        self.partitions = partitions
        self.members: list[ModelConsumer] = []
        self.generation = 0
        self.committed: dict[TopicPartition, int] = {}

    def join(self, member: "ModelConsumer") -> None:
        if not member.process.is_dead and member not in self.members:
            self.members.append(member)
            self.rebalance()

    def leave(self, member: "ModelConsumer") -> None:
        if member in self.members:
            self.members.remove(member)
            self.rebalance()

    def rebalance(self) -> None:
        """Partitions go round, so that most change their owner."""
        self.generation += 1
        self._world.note(f"rebalance to generation {self.generation}")
        assigned: dict[ModelConsumer, list[TopicPartition]] = {member: [] for member in self.members}
        for place, partition in enumerate(self.partitions, self.generation):
            if self.members:
                assigned[self.members[place % len(self.members)]].append(partition)
        for member, partitions in assigned.items():
            self._world.loop.spawn(member.process, member.learn(self.generation, partitions))

    def has_drained(self) -> bool:
        """Each partition has an owner who knows, has read it to its end and is not busy with what it read."""
        logs = self._world.broker.logs
        positions: dict[TopicPartition, int] = {}
        for member in self.members:
            if member.generation != self.generation or not member.is_waiting:
                return False
            positions.update(member.positions)
        return all(positions.get(partition, 0) == len(logs[partition]) for partition in self.partitions)


class ModelConsumer:
    """The part of AIOKafkaConsumer that `chassis/subscribers.py` and FastStream use."""

    def __init__(self, world: "World", group: Group, listener: ConsumerRebalanceListener) -> None:
        self._world = world
        self._group = group
        self._listener = listener
        self.process = CURRENT.get()
        self.generation = 0
        self.positions: dict[TopicPartition, int] = {}
        self.is_waiting = False

    async def learn(self, generation: int, assigned: Sequence[TopicPartition]) -> None:
        """Rejoining, as the coordinator's task in the member does beside a batch that may be under way."""
        await self._world.hop()
        if generation != self._group.generation:
            return
        revoked, self.positions = self.positions, {}
        await self._listener.on_partitions_revoked(frozenset(revoked))
        await self._world.hop()
        if generation != self._group.generation:
            return
        self.generation = generation
        self.positions = {partition: self._group.committed.get(partition, 0) for partition in assigned}
        await self._listener.on_partitions_assigned(frozenset(assigned))
        self._world.broker.wake()

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self.positions)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.positions[partition] = offset

    async def getmany(self, max_records: int) -> list[Record]:
        while True:
            await self._world.hop()
            self._misfetch()
            records = self._fetch(max_records)
            if records:
                return records
            self.is_waiting = True
            await self._world.broker.something_new()
            self.is_waiting = False

    def _fetch(self, max_records: int) -> list[Record]:
        records: list[Record] = []
        for partition, position in self.positions.items():
            found = self._world.broker.logs[partition][position : position + max_records - len(records)]
            self.positions[partition] = position + len(found)
            records += found
        if records and self._world.is_traced:
            self._world.note("fetched " + ", ".join(f"{record.partition}/{record.offset}" for record in records))
        return records

    def _misfetch(self) -> None:
        pick = self._world.chaos.strikes(FaultKind.FETCH)
        if pick is None:
            return
        self._world.note("fetch", pick)
        if pick % 3 == 0:
            raise KafkaTimeoutError
        for partition, position in self.positions.items():
            self.positions[partition] = max(0, position - pick)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if any(partition not in self.positions for partition in offsets):
            raise IllegalStateError("a partition is not assigned")
        world, is_early = self._world, self._world.toss()
        if is_early:
            await world.hop()
        pick = world.chaos.strikes(FaultKind.OFFSET_COMMIT)
        is_stale = self.generation != self._group.generation or self not in self._group.members
        if world.is_traced:
            world.note(f"offsets {[(p.partition, o) for p, o in offsets.items()]}{' too late' * is_stale}", pick)
        if is_stale or (pick is not None and pick % 2 == 0):
            raise CommitFailedError
        self._group.committed.update(offsets)
        if pick is not None:
            raise KafkaTimeoutError
        if not is_early:
            await world.hop()


class ModelSubscriber:
    """FastStream's batch subscriber: fetch, hand over, swallow whatever is raised, go on with what comes next."""

    def __init__(self, world: "World", options: Mapping[str, Any]) -> None:
        self._world = world
        self._max_records: int = options["max_records"]
        self._listener: ConsumerRebalanceListener = options["listener"]
        self._handler: Handler | None = None
        self.consumer: ModelConsumer | None = None
        self.running = False
        self.is_idle = asyncio.Event()
        self.is_idle.set()

    def __call__(self, handler: Handler) -> None:
        self._handler = handler

    async def run(self) -> None:
        assert self._handler is not None
        self.running = True
        self.consumer = ModelConsumer(self._world, self._world.group, self._listener)
        self._world.group.join(self.consumer)
        while self.running:
            try:
                records = await self.consumer.getmany(self._max_records)
            except KafkaTimeoutError:
                await asyncio.sleep(AFTER_AN_ERROR_SECONDS)
                continue
            if self.running:
                await self._hand_over(records)

    async def _hand_over(self, records: Sequence[Record]) -> None:
        assert self._handler is not None
        self.is_idle.clear()
        try:
            await self._handler(records)
        except Exception as fault:
            self._world.note(f"FastStream swallowed {fault!r}")
        finally:
            self.is_idle.set()


class ModelKafkaBroker:
    """The part of FastStream's KafkaBroker that a Subscription asks for."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.subscribers: list[ModelSubscriber] = []

    def subscriber(self, _topic: str, **options: Any) -> ModelSubscriber:
        self.subscribers.append(ModelSubscriber(self._world, options))
        return self.subscribers[-1]
