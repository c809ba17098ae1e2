"""Whether the relay slows down with what has passed through its outbox before: once, ten times, a hundred times."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from benchmarks.draining import TopicEnd, drained
from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.leads import write_burst
from benchmarks.stage import Stage
from contracts.topics import LEADS
from deploy.local.child import Child
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("G1",)
LIBRARIES: Sequence[str] = ()

HISTORY, TIMES, BURST = 5_000, (1, 10, 100), 20_000
RATE = "events/s"


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    burst = stage.sized(BURST, 20)
    await stage.contract_topics(LEADS)
    async with TopicEnd(stage.kafka(), LEADS) as end:
        sides = []
        for times in TIMES:
            database = await _with_history(stage, end, stage.sized(HISTORY, 10) * times)
            sides.append(Side(_name(times), partial(_run, stage, end, database, burst)))
        yield [
            Figure(
                name="growth of an outbox",
                title="A burst is drained after as many, ten and a hundred times as many events went the same way",
                sides=sides,
                claims=[Claim("G1", RATE, _name(times), _name(1), at_least=0.90) for times in TIMES[1:]],
                sizes={"events": burst, "events before, at once": stage.sized(HISTORY, 10)},
            )
        ]


def _name(times: int) -> str:
    return f"{times}x of history"


async def _with_history(stage: Stage, end: TopicEnd, events: int) -> ServiceDatabase:
    """All of them written, relayed and deleted as the product does it."""
    database = stage.database()
    for left in range(events, 0, -BURST):
        await _relayed(stage, end, database, min(left, BURST))
    return database


async def _run(stage: Stage, end: TopicEnd, history: ServiceDatabase, burst: int) -> Sample:
    database = await asyncio.to_thread(stage.clone, history)
    sample = await _relayed(stage, end, database, burst)
    await asyncio.to_thread(stage.drop, database)
    return sample


async def _relayed(stage: Stage, end: TopicEnd, database: ServiceDatabase, events: int) -> Sample:
    await write_burst(database.url, events)
    sample, relay = await drained(end, events, partial(_relay, stage, database))
    await asyncio.to_thread(relay.stop)
    return sample


def _relay(stage: Stage, database: ServiceDatabase) -> Child:
    return stage.launch("benchmarks.workers.relay", "--database", database.url, "--kafka", stage.kafka())
