"""From the record to the handler, without a database: ours, FastStream's typed handler, and fetching alone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.stage import Stage
from benchmarks.topics import full_topic
from contracts.topics import Topic

NUMBERS = ("P8",)
LIBRARIES = ("faststream", "aiokafka")

EVENTS, EVENTS_TYPED = 200_000, 20_000
OURS, TYPED, FETCHED = "our decode and dispatch", "FastStream's typed handler", "aiokafka getmany alone"

_runs = count(1)


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    events, fewer = stage.sized(EVENTS), stage.sized(EVENTS_TYPED)
    topic = await full_topic(stage, events)
    sides = [
        Side(OURS, partial(dispatched, stage, topic, "dispatch_ours", events)),
        Side(TYPED, partial(dispatched, stage, topic, "dispatch_typed", fewer)),
        Side(FETCHED, partial(dispatched, stage, topic, "dispatch_getmany", events)),
    ]
    claims = [
        Claim("P8", "events/s", OURS, TYPED, at_least=8),
        Claim("P8", "events/s", OURS, FETCHED, at_least=0.50),
        Claim("P8", "cpu us", OURS, FETCHED),
    ]
    sizes = {"events": events, "events typed": fewer, "partitions": topic.partitions}
    yield [Figure("dispatch", "Records are decoded and handed to a handler", sides, claims, sizes)]


async def dispatched(stage: Stage, topic: Topic, worker: str, events: int) -> Sample:
    arguments = {
        "--kafka": stage.kafka(),
        "--topic": topic.name,
        "--group": f"bench-{next(_runs)}",
        "--events": events,
    }
    child = stage.launch(f"benchmarks.workers.{worker}", *(part for pair in arguments.items() for part in pair))
    return await stage.result_of(child)
