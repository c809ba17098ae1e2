"""Who acts in a history, all on the real chassis: services (a writer and its relays), consumers, an operator."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiokafka import TopicPartition
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox, parking
from chassis.consumer import Consumer
from chassis.errors import NotFound, Refusal
from chassis.faults import is_passing
from chassis.pending import Shard
from chassis.publishing import partition_of
from chassis.relay import Relay
from chassis.replay import Replayer, VersionMissing
from chassis.runtime import ConsumerRuntime
from chassis.settings import ServiceSettings
from chassis.subscribers import Subscription
from chassis.worker import MEASURE_SECONDS, Worker
from contracts.envelope import Incoming
from tests.ring.broker import LARGEST_AT_CLIENT, ModelProducer
from tests.ring.events import TOPIC, RingMoved, RingRested, RingTurned, event_of
from tests.ring.group import ModelConsumer, ModelKafkaBroker, ModelSubscriber
from tests.ring.loop import Process
from tests.ring.plan import KEYS, Command, Flavour
from tests.ring.sessions import ModelDatabase
from tests.ring.statements import APPLY, BUMP, FILL, PARKED, SKIP, turn
from tests.ring.store import Row
from tests.ring.watch import DESPITE_GAP, Invariant

if TYPE_CHECKING:
    from tests.ring.world import World

SERVICES = 2
ECHOES = "echoes"
AGGREGATE_IDS = (*(f"k{number}" for number in range(KEYS)), ECHOES)
OPERATOR_SECONDS = 2.5
HOPELESS = tuple(f'"flavour":"{flavour}"'.encode() for flavour in (Flavour.POISON, Flavour.TOO_LARGE))
LARGE = f'"flavour":"{Flavour.LARGE}"'.encode()


class Refused(Exception):
    """A command that fails after it has added its events."""


class CountingRuntime(ConsumerRuntime):
    """The real one; holds the counts of each batch against the batch."""

    counted: int
    world: "World"

    def _count(self, outcome: str, number: int) -> None:
        self.counted += number
        super()._count(outcome, number)

    async def process(self, records: Any) -> None:
        self.counted = 0
        await super().process(records)
        if self.counted != len(records):
            self.world.watch.report(Invariant.ACCOUNTED, f"{self.counted} counted of {len(records)} records")


class Gauges(Worker):
    """Of a worker, the part that measures and heals: what else it starts, a history starts by itself."""

    def __init__(self, database: ModelDatabase, runtime: ConsumerRuntime, subscription: Subscription) -> None:
        self._service = SimpleNamespace(database=database, name="ring", measures=())  # type: ignore[assignment]
        self._replayer = Replayer(database, {runtime.name: runtime})
        self.subscriptions = [subscription]

    async def run(self, world: "World") -> None:
        while True:
            await asyncio.sleep(MEASURE_SECONDS)
            # With nothing parked there is nothing to heal, and its gauges are nobody's concern.
            if not world.store.tables[PARKED]:
                continue
            try:
                await self._measure_once()
            except Exception as fault:
                if not is_passing(fault):
                    raise


class Actors:
    """Starts the processes, and starts anew what was killed."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.processes: list[Process] = []
        self._left = [list(commands) for commands in world.plan.writers]
        self._stopping: list[Process] = []
        self._tries: Counter[str] = Counter()
        self._refused: Counter[UUID] = Counter()
        self._settings = ServiceSettings.model_construct(
            consumer_instance=None, consumer_batch_size=world.plan.consumer_batch, consumer_poll_ms=20,
            session_timeout_ms=3_000,
        )  # fmt: skip
        self._consumer = Consumer(TOPIC, {RingMoved: self._handle, RingTurned: self._handle_and_echo})
        self._subscriptions: dict[Process, tuple[Subscription, ModelSubscriber]] = {}

    def start(self) -> None:
        for number in range(SERVICES):
            self._start(f"service-{number}", "service", self._serve(number))
        for number in range(self._world.plan.members):
            self._start(f"consumer-{number}", "consumer", None)
        if self._world.plan.has_operator:
            self._start("operator", "operator", self._operate())

    def restart(self, process: Process) -> None:
        work = self._serve(int(process.name[-1])) if process.role == "service" else None
        self._start(process.name, process.role, work)
        self._world.note(f"{process.name} starts again")

    def _start(self, name: str, role: str, work: Coroutine[Any, Any, None] | None) -> None:
        process = Process(name, role, self._world)
        self.processes.append(process)
        self.spawn(process, work or self._consume(process))

    def spawn(self, process: Process, work: Coroutine[Any, Any, Any]) -> None:
        def note_crash(task: "asyncio.Task[Any]") -> None:
            if not task.cancelled() and (fault := task.exception()) is not None:
                if isinstance(fault, LookupError | TypeError | AttributeError | AssertionError):
                    raise fault
                self._world.watch.report(Invariant.ALIVE, f"{process.name}: {fault!r}")

        self._world.loop.spawn(process, work).add_done_callback(note_crash)

    def are_done(self) -> bool:
        is_stopping = any(not process.is_dead for process in self._stopping)
        return not any(self._left) and not is_stopping and not self._waiting_for_operator()

    def members_of(self, process: Process) -> list[ModelConsumer]:
        members = [member for member in self._world.group.members if member.process is process]
        if process in self._subscriptions:
            consumer = self._subscriptions[process][1].consumer
            members += [consumer] if consumer is not None and consumer not in members else []
        return members

    # A service: its writer, and its relays.

    async def _serve(self, number: int) -> None:
        world, plan = self._world, self._world.plan
        database = ModelDatabase(world, "/waybill/ring")
        relays = [
            Relay("", Shard(shard, plan.shards), lambda: ModelProducer(world), plan.relay_batch)
            for shard in range(plan.shards)
        ]
        database.on_commit = lambda: _wake(relays)
        process = world.current()
        for relay in relays:
            self.spawn(process, relay.run())
        if number < len(self._left):
            await self._write(database, self._left[number])

    async def _write(self, database: ModelDatabase, commands: list[Command]) -> None:
        while commands:
            await self._world.hop()
            command = commands.pop(0)
            if command.steps[0][1] is Flavour.GARBAGE:
                self._litter(command.steps[0][0])
                continue
            with suppress(Refused):
                try:
                    await self._execute(database, command)
                except Exception as fault:
                    if not is_passing(fault):
                        raise

    async def _execute(self, database: ModelDatabase, command: Command) -> None:
        async with database.transaction() as session:
            for key, flavour in command.steps:
                await self._step(session, f"k{key}", flavour)
            if command.is_refused:
                raise Refused

    async def _step(self, session: AsyncSession, key: str, flavour: Flavour) -> None:
        if flavour is Flavour.SKIPPED:
            await session.execute(SKIP, {"id": key})
            return
        version = await session.scalar(FILL, {"id": key}) if flavour is Flavour.LATE else None
        if version is None:
            flavour = Flavour.PLAIN if flavour is Flavour.LATE else flavour
            version = await session.scalar(BUMP, {"id": key})
        outbox.add(session, event_of(key, flavour), version=version)

    def _litter(self, key: int) -> None:
        name = f"k{key}".encode()
        place = TopicPartition(TOPIC.name, partition_of(name, self._world.plan.partitions))
        self._world.broker.append(place, name, b"{", [])

    # A consumer.

    async def _consume(self, process: Process) -> None:
        kafka = ModelKafkaBroker(self._world)
        database = ModelDatabase(self._world, "/waybill/ring")
        runtime = self._runtime(database)
        subscription = Subscription(kafka, runtime, self._settings)  # type: ignore[arg-type]
        (subscriber,) = kafka.subscribers
        self._subscriptions[process] = (subscription, subscriber)
        self.spawn(process, Gauges(database, runtime, subscription).run(self._world))
        await subscriber.run()

    def _runtime(self, database: ModelDatabase) -> CountingRuntime:
        runtime = CountingRuntime("waybill.ring", self._consumer, database)
        runtime.world = self._world
        return runtime

    def stop_consumer(self, process: Process) -> None:
        if process in self._subscriptions:
            self.spawn(process, self._stop(process, *self._subscriptions.pop(process)))

    async def _stop(self, process: Process, subscription: Subscription, subscriber: ModelSubscriber) -> None:
        """As `Worker.stop` and FastStream do it: the runtime is told first, then the subscriber, and batches end."""
        self._world.note("told to stop")
        self._stopping.append(process)
        subscription.runtime.stop()
        # However long it takes from the one to the other.
        await asyncio.sleep(0.3)
        subscriber.running = False
        await subscriber.is_idle.wait()
        consumer = subscriber.consumer
        if consumer is not None:
            self._world.group.leave(consumer)
        self._world.kill(process)

    async def _handle(self, session: AsyncSession, batch: list[Incoming[RingMoved]]) -> None:
        for incoming in batch:
            if incoming.event.flavour is Flavour.POISON:
                raise NotFound("poison")
            if incoming.event.flavour is Flavour.FLAKY:
                self._stumble(incoming)
        await session.execute(
            APPLY,
            {
                "event_ids": [incoming.envelope.id for incoming in batch],
                "keys": [incoming.event.ring_id for incoming in batch],
                "versions": [incoming.envelope.aggregate_version for incoming in batch],
            },
        )

    def _stumble(self, incoming: Incoming[RingMoved]) -> None:
        """Fails as often as its id says: some get over it, some are parked first."""
        name = str(incoming.envelope.id)
        self._tries[name] += 1
        if self._tries[name] <= incoming.envelope.id.int % 9:
            raise RuntimeError

    async def _handle_and_echo(self, session: AsyncSession, batch: list[Incoming[RingMoved]]) -> None:
        """What follows from an event is published with its effect."""
        await self._handle(session, batch)
        for _ in batch:
            version = await session.scalar(BUMP, {"id": ECHOES})
            outbox.add(session, RingRested(ring_id=ECHOES, flavour=Flavour.IGNORED), version=version or 0)

    # An operator.

    async def _operate(self) -> None:
        database = ModelDatabase(self._world, "/waybill/ring")
        runtime = self._runtime(database)
        replayer = Replayer(database, {runtime.name: runtime})
        while True:
            await asyncio.sleep(OPERATOR_SECONDS)
            for row in self._firsts():
                await self._settle(database, replayer, row)

    async def _settle(self, database: ModelDatabase, replayer: Replayer, row: Row) -> None:
        """Gives up what can never work, and tries everything else again; in the end without what never comes."""
        despite_gap = self._refused[row["id"]] > self._world.toss()
        try:
            if self._is_hopeless(row):
                async with database.transaction() as session:
                    await parking.discard(session, row["id"], by="robin", reason="hopeless")
            else:
                by = DESPITE_GAP if despite_gap else "robin"
                await replayer.replay(row["id"], by=by, despite_gap=despite_gap)
        except Refusal as refusal:
            self._refused[row["id"]] += isinstance(refusal.__cause__, VersionMissing)
        except Exception as fault:
            if not is_passing(fault):
                raise

    def _firsts(self) -> list[Row]:
        lanes: dict[Any, Row] = {}
        for row in sorted(self._parked(), key=turn):
            lanes.setdefault((row["consumer"], row["topic"], row["key"]), row)
        return list(lanes.values())

    def _parked(self) -> list[Row]:
        return [row for row in self._world.store.tables[PARKED].values() if row["state"] == "parked"]

    def _is_hopeless(self, row: Row) -> bool:
        if row["event_id"] is None or row["reason_code"] == parking.VERSION_PASSED:
            return True
        if row["consumer"] == parking.RELAY and LARGE in row["body"]:
            if self._world.toss():
                return True
            self._world.broker.largest_bytes = LARGEST_AT_CLIENT
        return any(flavour in row["body"] for flavour in HOPELESS)

    def _waiting_for_operator(self) -> bool:
        return self._world.plan.has_operator and bool(self._parked())


def _wake(relays: list[Relay]) -> None:
    for relay in relays:
        relay.wake()
