"""What it costs those who commit that the relay hears of it at once: ours, nothing at all, and pg_notify."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.stage import Stage
from contracts.topics import LEADS

NUMBERS = ("P5",)
LIBRARIES: Sequence[str] = ()

WRITERS, SECONDS = (16, 64), 4
RATE = "commits/s"
WAKE, POLL, NOTIFY = "woken in the process", "polling alone", "pg_notify"


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    await stage.contract_topics(LEADS)
    yield [_figure(stage, writers) for writers in WRITERS]


def _figure(stage: Stage, writers: int) -> Figure:
    seconds = max(1.0, SECONDS * stage.scale)
    return Figure(
        name=f"wake-up, {writers} writers",
        title=f"{writers} writers commit an event each time, in the relay's process",
        sides=[
            Side(WAKE, partial(_run, stage, "wake", writers, seconds)),
            Side(POLL, partial(_run, stage, "poll", writers, seconds)),
            Side(NOTIFY, partial(_run, stage, "notify", writers, seconds)),
        ],
        claims=[
            Claim("P5", RATE, WAKE, POLL, at_least=0.95),
            Claim("P5", RATE, NOTIFY, POLL),
        ],
        sizes={"writers": writers, "seconds": seconds},
    )


async def _run(stage: Stage, how: str, writers: int, seconds: float) -> Sample:
    database = stage.database()
    child = stage.launch(
        "benchmarks.workers.writers",
        *("--database", database.url, "--kafka", stage.kafka()),
        *("--writers", writers, "--seconds", seconds, "--how", how),
    )
    result = await stage.result_of(child)
    stage.drop(database)
    return {RATE: result["commits"] / result["seconds"]}
