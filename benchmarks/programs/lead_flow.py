"""From POST /leads to the delivery in billing's ledger: all the services on the way, and a floor under them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count

from benchmarks import flow
from benchmarks.figure import Claim, Figure, Sample, Side, percentile
from benchmarks.flow import Way
from benchmarks.stage import Stage
from contracts.values import SelectedPath
from deploy.local.child import ChildFailed

NUMBERS = ("P12",)
LIBRARIES = ("uvicorn", "aiosmtplib")

LEADS, CONNECTIONS, SECONDS, WARM_UP_LEADS = 1_200, 16, 8, 60
OURS, FLOOR = "our services", "the same commits and hops by hand"
RATE, P50, P99 = "leads/s", "p50 ms", "p99 ms"
PATIENCE_SECONDS = 300

_runs = count(1)
Recorded = list[tuple[str, float]]
"""Leads, and when each was due, in seconds since 1970."""


@dataclass
class Ground:
    stage: Stage
    pace: float = 0.0

    async def run(self, way: Way, leads: int, seconds: float) -> Sample:
        """Started for the run: a burst tells the rate, then a steady pace the latencies."""
        async with flow.running(self.stage, way.programs):
            sample = await self.burst(way, leads)
            paced = await self._send(way, "--rate", self.pace, "--count", max(10, round(self.pace * seconds)))
            applied = await _all_applied(way, paced)
        waited = [(applied[lead_id] - due_at) * 1_000 for lead_id, due_at in paced]
        return {**sample, P50: percentile(waited, 50), P99: percentile(waited, 99)}

    async def burst(self, way: Way, leads: int) -> dict[str, float]:
        """From the first lead that is sent to the last one that is in the ledger."""
        await _all_applied(way, await self._send(way, "--count", WARM_UP_LEADS))
        sent = await self._send(way, "--count", leads)
        applied = await _all_applied(way, sent)
        seconds = max(applied.values()) - min(due_at for _, due_at in sent)
        return {RATE: len(sent) / seconds}

    async def _send(self, way: Way, *how: object) -> Recorded:
        file = self.stage.room / f"sent-{next(_runs)}.json"
        child = self.stage.launch(
            "benchmarks.workers.load",
            *("--port", way.port, "--token", way.key, "--connections", CONNECTIONS),
            *("--path", SelectedPath.RECOMMENDED_INSTALLER, "--record", file, *how),
        )
        load = await self.stage.result_of(child)
        if load["failures"]:
            raise ChildFailed(f"{load['failures']} leads were not taken in")
        return [(lead_id, due_at) for lead_id, due_at in json.loads(file.read_text())]


async def _all_applied(way: Way, sent: Recorded) -> dict[str, float]:
    lead_ids = [lead_id for lead_id, _ in sent]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(applied := await way.applied(lead_ids)) < len(lead_ids):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(applied)} of {len(lead_ids)} leads came to the ledger")
        await asyncio.sleep(0.25)
    return applied


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    leads, seconds = stage.sized(LEADS, 20), SECONDS * stage.scale
    mail_server, smtp_url = flow.mail_server()
    async with flow.running(stage, [mail_server]):
        ways = {OURS: await flow.product(stage, smtp_url), FLOOR: await flow.floor(stage, smtp_url)}
        ground = Ground(stage)
        async with flow.running(stage, ways[OURS].programs):
            slowest = (await ground.burst(ways[OURS], leads))[RATE]
        ground.pace = max(2, slowest // 2)
        yield [
            Figure(
                name="a lead's way to the ledger",
                title="From POST /leads over routing, mail and routing to the delivery in billing's ledger",
                sides=[Side(name, partial(ground.run, way, leads, seconds)) for name, way in ways.items()],
                claims=[
                    Claim("P12", RATE, OURS, FLOOR, at_least=0.50),
                    Claim("P12", P99, OURS, FLOOR, at_most=2.0),
                    Claim("P12", P50, OURS, FLOOR),
                ],
                sizes={"leads": leads, "connections": CONNECTIONS, "leads/s for latencies": ground.pace},
            )
        ]
