"""A burst of leads is dispatched over 500 installers: by routing, and by a program that only writes the same rows."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.routing import migrated
from benchmarks.stage import Stage
from deploy.local.child import Child
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("P17",)
LIBRARIES = ("sqlalchemy", "asyncpg")

LEADS, INSTALLERS = 10_000, 500
OURS, FLOOR = "routing's consumer", "the same rows alone"
GROWING = "dispatches, lead_contacts, decisions, assignments, cap_windows, outbox, inbox"

_numbers = count(1)


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    leads, installers = stage.sized(LEADS, 50), stage.sized(INSTALLERS, 16)
    burst = Burst(stage, leads, installers)
    sides = [Side(OURS, burst.dispatched), Side(FLOOR, burst.written)]
    claims = [Claim("P17", "leads/s", OURS, FLOOR, at_least=0.50), Claim("P17", "cpu us", OURS, FLOOR)]
    sizes = {"leads": leads, "installers": installers, "leads of one commit": 500}
    yield [
        Figure("dispatch_burst", "A burst of leads is dispatched: decided, recorded, assigned", sides, claims, sizes)
    ]


class Burst:
    """The floor writes what the run before it has left."""

    def __init__(self, stage: Stage, leads: int, installers: int) -> None:
        self._stage, self._leads, self._installers = stage, leads, installers
        self._database: ServiceDatabase | None = None

    async def dispatched(self) -> Sample:
        self._database = migrated(self._stage, f"bench_routing_{next(_numbers)}")
        sample = await self._stage.result_of(self._launch("ours"))
        print(f"  {await asyncio.to_thread(self._sizes)}", flush=True)
        return sample

    async def written(self) -> Sample:
        child = self._launch("floor")
        await asyncio.to_thread(child.wait_until_ready)
        await asyncio.to_thread(partial(self._execute, f"TRUNCATE {GROWING} CASCADE", "CHECKPOINT"))
        return await self._stage.result_of(child)

    def _launch(self, side: str) -> Child:
        assert self._database is not None  # the sides run in turn
        arguments = {"--database": self._database.url, "--side": side, "--leads": self._leads}
        more = {"--installers": self._installers}
        parts = [part for pair in {**arguments, **more}.items() for part in pair]
        return self._stage.launch("benchmarks.workers.dispatch_burst", *parts)

    def _execute(self, *statements: str) -> str:
        assert self._database is not None  # the sides run in turn
        name = self._database.url.rpartition("/")[2]
        return self._stage.postgres().address.execute(*statements, database=name)

    def _sizes(self) -> str:
        """For the record: what a lead leaves behind."""
        return "a lead leaves " + self._execute(
            "SELECT round(sum(pg_total_relation_size(t::regclass)) / (SELECT count(*) FROM dispatches)) "
            "|| ' bytes, ' || (SELECT round(avg(length(candidates::text))) || ' of record, ' "
            "|| round(avg(length(inputs::text))) "
            "|| ' of inputs' FROM decisions) "
            "FROM unnest(ARRAY['dispatches','lead_contacts','decisions','assignments']) AS t"
        )
