"""What a second worker of a service adds.

Where broker, database and two workers share the cores that one worker had with them before, two cannot be faster: what
they would do with a core each follows from the processor time that an event takes. The rate as it is stands beside it,
and is claimed where there are cores enough.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count

from aiokafka.admin import AIOKafkaAdminClient

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.groups import committed
from benchmarks.intake import cpu_seconds
from benchmarks.stage import Stage
from benchmarks.topics import fill
from benchmarks.workers.consumer import EFFECTS
from contracts.topics import LEADS
from deploy.local.child import Child
from deploy.local.paths import free_port
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("G4",)
LIBRARIES: Sequence[str] = ()

EVENTS = 60_000
FREE, RATE = "with a core for each worker events/s", "events/s"
ENOUGH_CORES = 5
WINDOW = (0.1, 0.9)
"""Of the events: what is before is starting, what is after is one of two workers that has ended."""
POLL_SECONDS, PATIENCE_SECONDS = 0.02, 300


@dataclass(frozen=True, slots=True)
class Moment:
    done: int
    at: float
    cpu_seconds: float


class Ground:
    def __init__(self, stage: Stage, admin: AIOKafkaAdminClient, events: int) -> None:
        self._stage, self._admin, self._events = stage, admin, events
        self._numbers = count(1)

    async def run(self, workers: int) -> Sample:
        name, database = f"bench{next(self._numbers)}", self._stage.database(EFFECTS)
        children = [self._launch(name, database) for _ in range(workers)]
        moments = await self._watch(f"waybill.{name}.{LEADS.name}", children)
        for child in children:
            await asyncio.to_thread(child.stop)
        await asyncio.to_thread(self._stage.drop, database)
        return self._sample(moments, workers)

    def _launch(self, name: str, database: ServiceDatabase) -> Child:
        return self._stage.launch(
            "benchmarks.workers.consumer",
            *("--database", database.url, "--kafka", self._stage.kafka(), "--name", name, "--port", free_port()),
        )

    async def _watch(self, group: str, children: Sequence[Child]) -> list[Moment]:
        moments = [Moment(0, time.monotonic(), 0.0)]
        while moments[-1].done < self._events:
            await asyncio.sleep(POLL_SECONDS)
            done = await committed(self._admin, group)
            moments.append(Moment(done, time.monotonic(), sum(cpu_seconds(child.pid) for child in children)))
            for child in children:
                if child.has_died:
                    raise child.death()
            if moments[-1].at - moments[0].at > PATIENCE_SECONDS:
                raise TimeoutError(f"{done} of {self._events} events were consumed")
        return moments

    def _sample(self, moments: Sequence[Moment], workers: int) -> Sample:
        first, last = (self._at(moments, share) for share in WINDOW)
        if first is last:
            # So few that they came between two looks: then starting is counted in.
            first = moments[0]
        events = last.done - first.done
        return {
            FREE: workers * events / (last.cpu_seconds - first.cpu_seconds),
            RATE: events / (last.at - first.at),
        }

    def _at(self, moments: Sequence[Moment], share: float) -> Moment:
        return next(moment for moment in moments if moment.done >= share * self._events)


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    await stage.contract_topics(LEADS)
    events = stage.sized(EVENTS, 200)
    await fill(stage, LEADS, events)
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.kafka())
    await admin.start()
    try:
        ground = Ground(stage, admin, events)
        one, two = "one worker", "two workers"
        yield [
            Figure(
                name="growth by workers",
                title="A topic is consumed by one worker of a service, and by two",
                sides=[Side(one, partial(ground.run, 1)), Side(two, partial(ground.run, 2))],
                claims=[
                    Claim("G4", FREE, two, one, at_least=1.7),
                    Claim("G4", RATE, two, one, at_least=1.7 if (os.cpu_count() or 1) >= ENOUGH_CORES else None),
                ],
                sizes={"events": events, "partitions": LEADS.partitions},
            )
        ]
    finally:
        await admin.close()
