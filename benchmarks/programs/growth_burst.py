"""Whether a burst that is a hundred times as large needs more memory: of the relay, and of a consumer behind it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

import psutil  # type: ignore[import-untyped]

from benchmarks.draining import TopicEnd, drained
from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.groups import begin_at, end_of
from benchmarks.leads import write_burst
from benchmarks.stage import Stage
from benchmarks.workers.deciding import TABLE
from contracts.topics import LEADS
from deploy.local.child import Child
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("G3",)
LIBRARIES: Sequence[str] = ()

BURST, SHARE = 1_000_000, 100
RELAY, CONSUMER, RATE = "relay's largest MB", "consumer's largest MB", "events/s"
SAMPLE_SECONDS = 0.1
MB = 2**20

_runs = count(1)


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    await stage.contract_topics(LEADS)
    bursts = [stage.sized(BURST // SHARE, 20), stage.sized(BURST, 200)]
    small, large = (f"{events:,} leads" for events in bursts)
    async with TopicEnd(stage.kafka(), LEADS) as end:
        sides = [
            Side(name, partial(_run, stage, end, await _burst(stage, events), events))
            for name, events in zip((small, large), bursts, strict=True)
        ]
        yield [
            Figure(
                name="growth of a burst",
                title="The memory in which a burst is relayed and consumed",
                sides=sides,
                claims=[
                    Claim("G3", RELAY, large, small, at_most=1.25),
                    Claim("G3", CONSUMER, large, small, at_most=1.25),
                    Claim("G3", RATE, large, small),
                ],
                sizes={"leads": bursts[1], "leads of the small one": bursts[0]},
            )
        ]


async def _burst(stage: Stage, events: int) -> ServiceDatabase:
    database = stage.database(TABLE)
    await write_burst(database.url, events)
    return database


async def _run(stage: Stage, end: TopicEnd, burst: ServiceDatabase, events: int) -> Sample:
    database = await asyncio.to_thread(stage.clone, burst)
    offsets = await end_of(stage.kafka(), LEADS)
    watch = Watch()
    sample, relay = await drained(end, events, lambda: watch.of(_relay(stage, database)))
    await asyncio.to_thread(relay.stop)
    relay_mb = await watch.largest_mb()
    name = f"bench-{next(_runs)}"
    await begin_at(stage.kafka(), f"waybill.{name}.{LEADS.name}", offsets)
    await stage.result_of(watch.of(_consumer(stage, database, name, events)))
    consumer_mb = await watch.largest_mb()
    await asyncio.to_thread(stage.drop, database)
    return {RELAY: relay_mb, CONSUMER: consumer_mb, **sample}


class Watch:
    """Reads a process's resident memory until it has ended."""

    def __init__(self) -> None:
        self._largest = 0
        self._task: asyncio.Task[None] | None = None

    def of(self, child: Child) -> Child:
        self._largest = 0
        self._task = asyncio.create_task(self._sample(child))
        return child

    async def largest_mb(self) -> float:
        if self._task is not None:
            await self._task
        return self._largest / MB

    async def _sample(self, child: Child) -> None:
        process = psutil.Process(child.pid)
        while child.is_running:
            try:
                self._largest = max(self._largest, process.memory_info().rss)
            except psutil.NoSuchProcess:
                return
            await asyncio.sleep(SAMPLE_SECONDS)


def _relay(stage: Stage, database: ServiceDatabase) -> Child:
    return stage.launch("benchmarks.workers.relay", "--database", database.url, "--kafka", stage.kafka())


def _consumer(stage: Stage, database: ServiceDatabase, name: str, events: int) -> Child:
    return stage.launch(
        "benchmarks.workers.consume_ours",
        *("--kafka", stage.kafka(), "--topic", LEADS.name, "--group", name),
        *("--events", events, "--database", database.url),
    )
