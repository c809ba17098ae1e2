"""The full consumer runtime, from a real topic to committed offsets, beside a hand-written batch and the usual way."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.stage import Stage
from benchmarks.topics import full_topic
from benchmarks.workers.deciding import TABLE, TABLES
from contracts.topics import Topic
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("P7",)
LIBRARIES = ("faststream", "aiokafka", "asyncpg")

EVENTS, EVENTS_BY_RECORD = 60_000, 1_500
OURS, FLOOR, BY_RECORD = "our consumer runtime", "aiokafka + asyncpg, by the batch", "FastStream, by the record"

_runs = count(1)


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    events, fewer = stage.sized(EVENTS), stage.sized(EVENTS_BY_RECORD)
    topic = await full_topic(stage, events)
    database = stage.database(TABLE)
    sides = [
        Side(OURS, partial(consumed, stage, database, topic, "consume_ours", events)),
        Side(FLOOR, partial(consumed, stage, database, topic, "consume_floor", events)),
        Side(BY_RECORD, partial(consumed, stage, database, topic, "consume_by_record", fewer)),
    ]
    claims = [
        Claim("P7", "events/s", OURS, FLOOR, at_least=0.60),
        Claim("P7", "events/s", OURS, BY_RECORD, at_least=25),
        Claim("P7", "cpu us", OURS, FLOOR),
    ]
    sizes = {"events": events, "events by the record": fewer, "partitions": topic.partitions}
    yield [Figure("consume", "A topic is consumed: decode, inbox, effect, outbox, commit", sides, claims, sizes)]


async def consumed(stage: Stage, database: ServiceDatabase, topic: Topic, worker: str, events: int) -> Sample:
    """From empty tables, by a group that never read the topic."""
    address = stage.postgres().address
    name = database.url.rpartition("/")[2]
    address.execute(f"TRUNCATE {', '.join(TABLES)}", "CHECKPOINT", database=name)
    arguments = {
        "--kafka": stage.kafka(),
        "--topic": topic.name,
        "--group": f"bench-{next(_runs)}",
        "--events": events,
        "--database": database.url,
    }
    child = stage.launch(f"benchmarks.workers.{worker}", *(part for pair in arguments.items() for part in pair))
    sample = await stage.result_of(child)
    kept = int(address.execute("SELECT least(count(*), (SELECT count(*) FROM outbox)) FROM decisions", database=name))
    if kept < events:
        raise AssertionError(f"{worker} says that it has applied {events} events, and kept {kept}")
    return sample
