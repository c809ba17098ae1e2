"""Whether a consumer slows down with what it has consumed: inbox, effects and topic once, ten and a hundred times."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.groups import Offsets, begin_at, end_of
from benchmarks.stage import Stage
from benchmarks.topics import fill, full_topic
from benchmarks.workers.deciding import TABLE
from contracts.topics import Topic
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("G2",)
LIBRARIES: Sequence[str] = ()

HISTORY, TIMES, BURST = 5_000, (1, 10, 100), 20_000
RATE = "events/s"

_runs = count(1)
# Spread over a month, as their ids are by time.
_CONSUMED = """
    INSERT INTO inbox (event_id, consumer, received_at)
    SELECT uuidv7(-30 * random() * interval '1 day'), 'waybill.bench', now() FROM generate_series(1, {events});
    INSERT INTO decisions (lead_id, decision_id, service, postcode, decided_at)
    SELECT uuidv7(-30 * random() * interval '1 day'), gen_random_uuid(), 'solar-battery', '2204', now()
      FROM generate_series(1, {events});
    ANALYZE
"""


@dataclass(frozen=True)
class History:
    """A database and a topic with a past; a run's burst begins at `offsets`."""

    database: ServiceDatabase
    topic: Topic
    offsets: Offsets


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    burst = stage.sized(BURST, 20)
    sides = []
    for times in TIMES:
        history = await _history(stage, stage.sized(HISTORY, 10) * times, burst)
        sides.append(Side(_name(times), partial(_run, stage, history, burst)))
    yield [
        Figure(
            name="growth of an inbox",
            title="A burst is consumed after as many, ten and a hundred times as many events were",
            sides=sides,
            claims=[Claim("G2", RATE, _name(times), _name(1), at_least=0.90) for times in TIMES[1:]],
            sizes={"events": burst, "events before, at once": stage.sized(HISTORY, 10)},
        )
    ]


def _name(times: int) -> str:
    return f"{times}x of history"


async def _history(stage: Stage, events: int, burst: int) -> History:
    topic = await full_topic(stage, events)
    offsets = await end_of(stage.kafka(), topic)
    await fill(stage, topic, burst)
    database = stage.database(TABLE)
    statements = [statement.strip() for statement in _CONSUMED.format(events=events).split(";")]
    name = database.url.rpartition("/")[2]
    await asyncio.to_thread(stage.postgres().address.execute, *statements, database=name)
    return History(database, topic, offsets)


async def _run(stage: Stage, history: History, burst: int) -> Sample:
    name = f"bench-{next(_runs)}"
    await begin_at(stage.kafka(), f"waybill.{name}.{history.topic.name}", history.offsets)
    database = await asyncio.to_thread(stage.clone, history.database)
    child = stage.launch(
        "benchmarks.workers.consume_ours",
        *("--kafka", stage.kafka(), "--topic", history.topic.name, "--group", name),
        *("--events", burst, "--database", database.url),
    )
    sample = await stage.result_of(child)
    await asyncio.to_thread(stage.drop, database)
    return sample
