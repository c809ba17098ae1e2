"""How long a group is behind after its consumer was killed and started again: ours, and without static membership."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from benchmarks.draining import TopicEnd
from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.leads import rows
from benchmarks.stage import Stage
from benchmarks.workers.consumer import EFFECTS
from chassis.publishing import kafka_producer
from chassis.settings import ServiceSettings
from contracts.topics import LEADS
from deploy.local.child import Child
from deploy.local.paths import free_port
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("P14",)
LIBRARIES: Sequence[str] = ()

EVENTS = 2_000
POLL_SECONDS, PATIENCE_SECONDS = 0.05, 120
SECONDS = "s"
STATIC, DYNAMIC, TIMEOUT = "with a name in its group", "without one, as by default", "the group's session timeout"


class Ground:
    """The broker's view of the groups, one group per run: a member that was killed stays in its group for a while."""

    def __init__(self, stage: Stage, end: TopicEnd, admin: AIOKafkaAdminClient) -> None:
        self._stage, self._end, self._admin = stage, end, admin
        self._numbers = count(1)

    async def run(self, events: int, *, is_static: bool) -> Sample:
        """Killed with events on their way, and started again at once, as a platform does."""
        name, database = f"bench{next(self._numbers)}", self._stage.database(EFFECTS)
        consumer = self._launch(name, database, is_static)
        await self._publish(events)
        await self._until_no_lag(name, consumer)
        await self._publish(events)
        consumer.kill()
        killed = time.monotonic()
        consumer = self._launch(name, database, is_static)
        await self._until_no_lag(name, consumer)
        seconds = time.monotonic() - killed
        consumer.stop()
        self._stage.drop(database)
        return {SECONDS: seconds}

    def _launch(self, name: str, database: ServiceDatabase, is_static: bool) -> Child:
        return self._stage.launch(
            "benchmarks.workers.consumer",
            *("--database", database.url, "--kafka", self._stage.kafka(), "--name", name, "--port", free_port()),
            *(["--instance", "0"] if is_static else []),
        )

    async def _publish(self, events: int) -> None:
        producer: Any = kafka_producer(self._stage.kafka(), "bench")()
        await producer.start()
        try:
            sent = [await producer.send(LEADS.name, row.body, row.key, headers=row.headers) for row in rows(events)]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def _until_no_lag(self, name: str, consumer: Child) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._committed(name) < await self._end.count():
                if consumer.has_died:
                    raise consumer.death()
                await asyncio.sleep(POLL_SECONDS)

    async def _committed(self, name: str) -> int:
        try:
            offsets = await self._admin.list_consumer_group_offsets(f"waybill.{name}.{LEADS.name}")
        except GroupCoordinatorNotAvailableError:
            # The first group that a broker hears of makes the topic of the offsets.
            return 0
        return sum(max(0, committed.offset) for committed in offsets.values())


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    events = stage.sized(EVENTS, 10)
    await stage.contract_topics(LEADS)
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.kafka())
    await admin.start()
    try:
        async with TopicEnd(stage.kafka(), LEADS) as end:
            ground = Ground(stage, end, admin)
            yield [
                Figure(
                    name="consumer restart",
                    title="A consumer is killed and started again, until its group has no lag",
                    sides=[
                        Side(STATIC, partial(ground.run, events, is_static=True)),
                        Side(DYNAMIC, partial(ground.run, events, is_static=False)),
                        Side(TIMEOUT, _session_timeout),
                    ],
                    claims=[
                        Claim("P14", SECONDS, STATIC, TIMEOUT, at_most=0.5),
                        Claim("P14", SECONDS, DYNAMIC, TIMEOUT),
                    ],
                    sizes={"events on their way": events},
                )
            ]
    finally:
        await admin.close()


async def _session_timeout() -> Sample:
    """Not measured: the product's own setting."""
    return {SECONDS: ServiceSettings.model_fields["session_timeout_ms"].default / 1_000}
