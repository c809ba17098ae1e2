"""What a worker process runs beside its HTTP surface: relay, consumers, schedules and loops, started as one."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any

import structlog
from faststream.kafka import KafkaBroker
from sqlalchemy.engine import make_url

from chassis import parking
from chassis.ending import ended_within
from chassis.event_metrics import PARKED_WAITING
from chassis.faults import is_passing
from chassis.loops import LoopRunner
from chassis.pending import Shard
from chassis.publishing import kafka_producer
from chassis.relay import Relay, measure_outbox
from chassis.replay import Replayer
from chassis.retention import InboxRetention
from chassis.runtime import ConsumerRuntime
from chassis.schedule import Job, Scheduler
from chassis.service import Service
from chassis.subscribers import Subscription, kafka_broker

log = structlog.get_logger(__name__)

MEASURE_SECONDS = 2.0
CLOSING_SECONDS = 5.0
"""For clients, once the batches in hand have had their own time."""


class Worker:
    """The background half of one process."""

    def __init__(self, service: Service, runtimes: dict[str, ConsumerRuntime]) -> None:
        settings = service.settings
        self._service = service
        self._replayer = Replayer(service.database, runtimes)
        self._dsn = (
            make_url(settings.database_url.get_secret_value()).set(drivername="postgresql").render_as_string(False)
        )
        self._broker: KafkaBroker = kafka_broker(settings, f"waybill-{service.name}")
        self.subscriptions = [Subscription(self._broker, runtime, settings) for runtime in runtimes.values()]
        self.relays = [self._relay(number) for number in range(settings.relay_shards)]
        self.scheduler = Scheduler(service.database, service.clock, self._jobs(runtimes))
        self.loops = [LoopRunner(loop) for loop in service.loops]
        self._tasks: list[asyncio.Task[None]] = []
        self.crashed: str | None = None
        service.database.on_commit = self._wake
        service.wake_loops = self._wake_loops

    def _relay(self, number: int) -> Relay:
        settings = self._service.settings
        producer = kafka_producer(settings.kafka_bootstrap_servers, f"waybill-{self._service.name}-relay-{number}")
        return Relay(self._dsn, Shard(number, settings.relay_shards), producer, settings.relay_batch_size)

    def _jobs(self, runtimes: dict[str, ConsumerRuntime]) -> tuple[Job, ...]:
        service = self._service
        forgetful = [name for name, runtime in runtimes.items() if runtime.has_versions]
        retention = InboxRetention(service.database, forgetful, service.settings.inbox_retention_days)
        return (*service.jobs, *([retention.job] if forgetful else []))

    def _wake(self) -> None:
        for relay in self.relays:
            relay.wake()
        for loop in self.loops:
            if loop.hears_commits:
                loop.wake()

    def _wake_loops(self) -> None:
        """All of them: somebody knows of work that no commit tells of."""
        for loop in self.loops:
            loop.wake()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def start(self) -> None:
        for relay in self.relays:
            self._spawn(relay.name, relay.run())
        self._spawn("scheduler", self.scheduler.run())
        for loop in self.loops:
            self._spawn(loop.name, loop.run())
        self._spawn("gauges", self._measure())
        # A broker that is away when we start is a passing fault like any other.
        self._spawn("consumers", self._start_consuming())

    async def _start_consuming(self) -> None:
        wait = 0.2
        while self.subscriptions:
            try:
                await self._broker.start()
            except Exception as fault:
                log.warning("broker_away", service=self._service.name, fault=type(fault).__name__)
                with suppress(Exception):
                    await ended_within(CLOSING_SECONDS, self._broker.stop)
                await asyncio.sleep(wait)
                wait = min(5.0, wait * 2)
            else:
                return

    async def stop(self) -> None:
        """Batches and rounds in flight end first, then everything is closed."""
        for subscription in self.subscriptions:
            subscription.runtime.stop()
        self.scheduler.stop()
        for loop in self.loops:
            loop.stop()
        grace = self._service.settings.graceful_timeout_seconds
        if not await ended_within(grace + CLOSING_SECONDS, self._broker.stop):
            log.warning("consumers_hung", service=self._service.name)
        for relay in self.relays:
            relay.stop()
        _, late = await asyncio.wait(self._tasks, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._note_crash)
        self._tasks.append(task)

    def _note_crash(self, task: asyncio.Task[None]) -> None:
        """A task that ended with a fault nobody foresaw: liveness fails, and the platform starts us anew."""
        if task.cancelled() or task.exception() is None:
            return
        self.crashed = task.get_name()
        log.error("worker_crashed", task=task.get_name(), exc_info=task.exception())

    async def _measure(self) -> None:
        while not self.scheduler.is_stopped:
            try:
                await self._measure_once()
            except Exception as fault:
                if not is_passing(fault):
                    raise
            await self.scheduler.rest(MEASURE_SECONDS)

    async def _measure_once(self) -> None:
        for subscription in self.subscriptions:
            subscription.measure()
        async with self._service.database.reading() as session:
            waiting = await parking.count_waiting(session)
            await measure_outbox(session)
            for measure in self._service.measures:
                await measure(session)
        PARKED_WAITING.set(waiting)
        if waiting and (healed := await self._replayer.heal()):
            log.info("version_gaps_closed", service=self._service.name, events=healed)

    def stuck(self, within_seconds: float) -> list[str]:
        """Names of the parts that made no progress for so long though they had reason to."""
        now = monotonic()
        names = [relay.name for relay in self.relays if now - relay.last_progress > within_seconds]
        names += [s.runtime.name for s in self.subscriptions if s.is_stuck(within_seconds)]
        names += [loop.name for loop in self.loops if loop.is_stuck(within_seconds)]
        if self.scheduler.is_stuck(within_seconds):
            names.append("scheduler")
        return [self.crashed, *names] if self.crashed else names

    def unready(self) -> list[str]:
        """Consumers that have no partitions yet."""
        return [subscription.runtime.name for subscription in self.subscriptions if not subscription.is_assigned]
