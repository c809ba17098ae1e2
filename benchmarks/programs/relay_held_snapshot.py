"""What a snapshot that somebody holds open does to the outbox: how fast it drains, and how large it grows.

The snapshot keeps every deleted row from being cleared away, so it is the number of events that passed meanwhile
which counts, not the time. By default they pass as fast as they can be written; `HOLD_SECONDS=600` makes them pass
at 800 a second for ten minutes, which is the same measurement at its real pace. The third side holds what `pg_dump`
holds: it has read the outbox itself, and keeps the lock of a reader, with which no segment can be emptied.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import asyncpg

from benchmarks.draining import TopicEnd, drained
from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.leads import write_burst
from benchmarks.stage import Stage
from contracts.topics import LEADS
from deploy.local.child import Child
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("P13",)
LIBRARIES: Sequence[str] = ()


def _hold_seconds() -> float:
    given = os.environ.get("HOLD_SECONDS", "0")
    try:
        return float(given)
    except ValueError:
        raise LookupError(f"HOLD_SECONDS is {given!r}, not a number of seconds") from None


PASSED, BURST = 60_000, 40_000
PER_SECOND = 800
HOLD_SECONDS = _hold_seconds()
HURRIED = {"autovacuum_naptime": "5s"}
"""Where ten minutes pass in one, a vacuum comes as much more often."""

RATE, SIZE, HELD = "events/s", "outbox MB", "held s"
UNDER_SNAPSHOT, UNDER_READER, WITHOUT = "while a snapshot is held", "held by a reader of the outbox", "without"

_SIZE = """
    SELECT sum(pg_total_relation_size(oid)) / 1048576.0 FROM pg_class
    WHERE relkind = 'r' AND relname LIKE 'outbox%' AND relnamespace = 'public'::regnamespace
"""


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    await stage.contract_topics(LEADS)
    stage.postgres(settings={} if HOLD_SECONDS else HURRIED)
    # A snapshot holds back its own database alone: those on one server differ in nothing else.
    held, read, free = stage.database(), stage.database(), stage.database()
    async with TopicEnd(stage.kafka(), LEADS) as end, _snapshot(held), _snapshot(read, "SELECT count(*) FROM outbox"):
        opened = time.monotonic()
        passed, burst = await _let_pass(stage, end, (held, read, free)), stage.sized(BURST, 100)
        yield [
            Figure(
                name="relay under a held snapshot",
                title=f"A burst of {burst:,} events is drained, {passed:,} events after a snapshot that is still held",
                sides=[
                    Side(UNDER_SNAPSHOT, partial(_run, stage, end, held, burst, opened)),
                    Side(UNDER_READER, partial(_run, stage, end, read, burst, opened)),
                    Side(WITHOUT, partial(_run, stage, end, free, burst, opened)),
                ],
                claims=[
                    Claim("P13", RATE, UNDER_SNAPSHOT, WITHOUT, at_least=0.95),
                    Claim("P13", SIZE, UNDER_SNAPSHOT, WITHOUT, at_most=1.2),
                ],
                sizes={"events": burst, "events passed before": passed},
            )
        ]


@asynccontextmanager
async def _snapshot(database: ServiceDatabase, query: str = "SELECT 1") -> AsyncIterator[None]:
    connection = await asyncpg.connect(database.url)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetchval(query)
            yield
    finally:
        await connection.close()


async def _let_pass(stage: Stage, end: TopicEnd, databases: Sequence[ServiceDatabase]) -> int:
    """Writes and relays events in both databases at once; returns how many in each."""
    events = round(HOLD_SECONDS * PER_SECOND) or stage.sized(PASSED, 100)
    relays = [_relay(stage, database) for database in databases]
    before = await end.count()
    for left in range(events, 0, -PER_SECOND):
        started = time.monotonic()
        await asyncio.gather(*(write_burst(database.url, min(left, PER_SECOND)) for database in databases))
        await asyncio.sleep(max(0.0, started + 1 - time.monotonic()) if HOLD_SECONDS else 0)
    while await end.count() < before + events * len(databases):  # noqa: ASYNC110  # the broker cannot tell us
        await asyncio.sleep(0.1)
    for relay in relays:
        relay.stop()
    return events


async def _run(stage: Stage, end: TopicEnd, database: ServiceDatabase, burst: int, opened: float) -> Sample:
    await write_burst(database.url, burst)
    sample, relay = await drained(end, burst, partial(_relay, stage, database))
    relay.stop()
    connection = await asyncpg.connect(database.url)
    try:
        size = await connection.fetchval(_SIZE)
    finally:
        await connection.close()
    return {**sample, SIZE: float(size), HELD: time.monotonic() - opened}


def _relay(stage: Stage, database: ServiceDatabase) -> Child:
    return stage.launch("benchmarks.workers.relay", "--database", database.url, "--kafka", stage.kafka())
