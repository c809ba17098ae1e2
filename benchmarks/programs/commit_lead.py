"""What the outbox, and the layer that writes it, cost those who commit a lead.

Sixteen writers in one process, each with a connection. Ours is both halves of a lead's way in: the statement behind
POST /leads for the lead and its consent, which also proves the source's key; beside it the worker's screening, which
sends leads on in batches, each with its first step and its event. A lead counts once its event is committed. Against it
stands the lead's row alone, by an asyncpg statement that commits itself; and the same row through our session layer,
which shares the cost out between that layer and the rows that belong to a lead.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from benchmarks import intake
from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.stage import Stage
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("P6",)
LIBRARIES: Sequence[str] = ()

WRITERS, SECONDS = 16, 4
OURS, SESSION, BARE = "intake's command", "the lead alone, in our session", "the lead alone, by asyncpg"
RATE, CPU = "commits/s", "CPU us"


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    seconds = SECONDS * stage.scale
    database = intake.migrated(stage)
    key = await intake.working_key(database)
    ways = {OURS: "command", SESSION: "session", BARE: "asyncpg"}
    yield [
        Figure(
            name="commit a lead",
            title=f"{WRITERS} writers commit leads, each with its event",
            sides=[Side(name, partial(_run, stage, database, key, how, seconds)) for name, how in ways.items()],
            claims=[
                Claim("P6", RATE, OURS, BARE, at_least=0.90),
                Claim("P6", RATE, OURS, SESSION),
                Claim("P6", RATE, SESSION, BARE),
                Claim("P6", CPU, OURS, BARE),
            ],
            sizes={"writers": WRITERS, "seconds": seconds},
        )
    ]


async def _run(stage: Stage, database: ServiceDatabase, key: str, how: str, seconds: float) -> Sample:
    intake.emptied(stage, database)
    child = stage.launch(
        "benchmarks.workers.commit_leads",
        *("--database", database.url, "--key", key, "--how", how, "--writers", WRITERS, "--seconds", seconds),
    )
    return await stage.result_of(child)
