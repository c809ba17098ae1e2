"""Intake's own database and servers, for the measurements of what it does."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import psutil  # type: ignore[import-untyped]

from benchmarks.stage import Stage
from chassis.database import Database, create_engine
from deploy.local.child import Child
from deploy.local.paths import ROOT, free_port, is_listening
from deploy.local.postgres import PostgresAddress, PostgresServer, ServiceDatabase, create_database, create_role
from services.intake.commands.sources import create_source

SERVICE = "intake"
FILLED = ("leads", "consents", "lead_status_changes", "outbox")
"""What a run fills, and the next one wants to find empty."""
READY_SECONDS = 60

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class _Owner:
    id: UUID
    name: str


_OWNER = _Owner(UUID("0199a000-0000-7000-8000-0000000000f1"), "Benchmark")


def migrated(stage: Stage, address: PostgresAddress | None = None) -> ServiceDatabase:
    """A new database of intake, by its own migrations."""
    address = address or stage.postgres().address
    create_role(address, SERVICE)
    database = create_database(address, SERVICE, f"intake_{next(_numbers)}")
    subprocess.run(
        [sys.executable, "-m", f"services.{SERVICE}", "migrate"],
        env={**os.environ, "WAYBILL_ENVIRONMENT": "local", **database.environment()},
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return database


def emptied(stage: Stage, database: ServiceDatabase) -> None:
    name = database.url.rpartition("/")[2]
    stage.postgres().address.execute(f"TRUNCATE {', '.join(FILLED)} CASCADE", "CHECKPOINT", database=name)


async def working_key(database: ServiceDatabase) -> str:
    """The API key of a new source, made by the product's own command."""
    ours = Database(create_engine(database.url, pool_size=1), f"/waybill/{SERVICE}")
    try:
        async with ours.transaction() as session:
            keyed = await create_source(session, "Benchmark", _OWNER, datetime.now(UTC))
        return keyed.api_key
    finally:
        await ours.close()


@dataclass(frozen=True, slots=True)
class Server:
    """A program that listens on a port of its own."""

    port: int
    child: Child

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.child.pid)


async def listening(stage: Stage, module: str, *arguments: object, environment: Mapping[str, str]) -> Server:
    """Starts a module that takes its port as `HTTP_PORT` or as `--port`, and waits until it listens."""
    port = free_port()
    given = [str(port) if argument == "PORT" else argument for argument in arguments]
    child = stage.launch(module, *given, environment={**environment, "HTTP_PORT": str(port)})
    deadline = time.monotonic() + READY_SECONDS
    while not is_listening(port):
        if not child.is_running or time.monotonic() > deadline:
            raise child.death()
        await asyncio.sleep(0.05)
    return Server(port, child)


def cpu_seconds(pid: int) -> float:
    """Of the process and its children, so far."""
    process = psutil.Process(pid)
    return sum(_of_one(each) for each in [process, *process.children(recursive=True)])


def postgres_cpu_seconds(server: PostgresServer) -> float:
    """Of the running backends: meaningful over a span in which none of them ends."""
    return cpu_seconds(server.child.pid)


def _of_one(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
