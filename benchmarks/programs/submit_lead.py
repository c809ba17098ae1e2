"""POST /leads as a lead source sees it: the running service, beside a hand-written one and the usual way.

Every side stands on the same tables of one server, under uvicorn with the same settings, with a pool of ten
connections. The rate is that of connections which send as soon as they are answered; latencies are taken at half the
rate of the slowest side, the same for all, and count from when a request was due.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks import intake
from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.intake import Server
from benchmarks.stage import Stage
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("P9",)
LIBRARIES = ("uvicorn", "fastapi", "phonenumbers")

CONNECTIONS, SECONDS, WARM_UP_SECONDS = 32, 5, 1
OURS, FLOOR, ONE = "our intake", "raw ASGI + asyncpg", "raw ASGI + asyncpg, in one statement"
TWIN = "FastAPI + SQLAlchemy"
RATE, P99, P50, CPU, SERVER_CPU = "leads/s", "p99 ms", "p50 ms", "service CPU us", "PostgreSQL CPU us"


@dataclass
class Ground:
    """The servers of all sides, and who may send to them. `pace` is set once the slowest rate is known."""

    stage: Stage
    database: ServiceDatabase
    key: str
    pace: float = 0.0

    async def servers(self) -> Mapping[str, Server]:
        environment = {
            **self.database.environment(),
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "IDENTITY_JWKS_URL": "http://127.0.0.1:1/",
            "LEAD_RATE_PER_MINUTE": "0",
        }
        floor = "benchmarks.workers.intake_floor"
        started = {
            OURS: ("services.intake", "api"),
            FLOOR: (floor, "--port", "PORT"),
            ONE: (floor, "--one-statement", "--port", "PORT"),
            TWIN: ("benchmarks.workers.intake_fastapi", "--port", "PORT"),
        }
        return {
            side: await intake.listening(self.stage, *how, environment=environment) for side, how in started.items()
        }

    async def run(self, server: Server, seconds: float) -> Sample:
        """As fast as it can, then at the pace of all."""
        intake.emptied(self.stage, self.database)
        sample = await self.full_speed(server, seconds)
        paced = await self._load(server, seconds, "--rate", self.pace)
        return {**sample, P99: paced["p99_ms"], P50: paced["p50_ms"]}

    async def full_speed(self, server: Server, seconds: float) -> dict[str, float]:
        postgres = self.stage.postgres()
        before = server.cpu_seconds(), intake.postgres_cpu_seconds(postgres)
        load = await self._load(server, seconds)
        after = server.cpu_seconds(), intake.postgres_cpu_seconds(postgres)
        ours, theirs = (round((b - a) / load["answered"] * 1e6) for a, b in zip(before, after, strict=True))
        return {RATE: load["rate"], CPU: ours, SERVER_CPU: theirs}

    async def _load(self, server: Server, seconds: float, *pace: object) -> dict[str, Any]:
        child = self.stage.launch(
            "benchmarks.workers.load",
            *("--port", server.port, "--token", self.key, "--connections", CONNECTIONS),
            *("--seconds", seconds, "--warm-up-seconds", min(WARM_UP_SECONDS, seconds), *pace),
        )
        load = await self.stage.result_of(child)
        if load["failures"] or not load["answers"]:
            raise RuntimeError(f"{load['failures']} requests failed, {load['answers']} were answered")
        return load


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    seconds = max(0.5, SECONDS * stage.scale)
    database = intake.migrated(stage)
    ground = Ground(stage, database, await intake.working_key(database))
    servers = await ground.servers()
    rates = [(await ground.full_speed(server, seconds))[RATE] for server in servers.values()]
    ground.pace = max(10, min(rates) // 2)
    yield [
        Figure(
            name="submit a lead",
            title="A lead is taken in over HTTP: key, lead and consent in one commit",
            sides=[Side(name, partial(ground.run, server, seconds)) for name, server in servers.items()],
            claims=[
                Claim("P9", RATE, OURS, FLOOR, at_least=0.80),
                Claim("P9", P99, OURS, FLOOR, at_most=1.2),
                Claim("P9", RATE, OURS, TWIN, at_least=1.10),
                Claim("P9", RATE, OURS, ONE),
                Claim("P9", CPU, OURS, FLOOR),
                Claim("P9", SERVER_CPU, OURS, FLOOR),
            ],
            sizes={"connections": CONNECTIONS, "seconds": seconds, "leads/s for latencies": ground.pace},
        )
    ]
