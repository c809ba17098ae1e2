"""The worker's side of simulations: it runs each in a process of its own, and writes what came of it in one go."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

import structlog

from chassis.clock import Clock
from chassis.database import Database
from chassis.faults import is_passing
from chassis.loops import Loop
from services.routing.commands.simulations import LEASE_SECONDS, claim, finish, give_up, put_back, renew
from services.routing.domain.states import SimulationState
from services.routing.models import Simulation
from services.routing.queries.simulations import request_of

log = structlog.get_logger(__name__)

COMMAND = (sys.executable, "-m", "services.routing.simulating")
SIGN_OF_LIFE_SECONDS = LEASE_SECONDS / 10
IDLE_SECONDS = (0.5, 5.0)
"""A run takes seconds; who asks for one looks again."""
FAULT_TOLD = "It ended for a fault of ours"


class Gone(Exception):
    """It was cancelled meanwhile, or another process has taken it over."""


class NoTotals(Exception):
    """The child ended by itself without having told the totals."""


class Killed(Exception):
    """The child was ended from outside: by an operator, or where memory ran out."""


class Simulator:
    def __init__(self, database: Database, clock: Clock, tries: int) -> None:
        self._database = database
        self._clock = clock
        self._tries = tries

    async def step(self) -> bool:
        """One simulation; whether there was any."""
        async with self._database.transaction() as session:
            simulation = await claim(session, self._tries, self._clock.now())
        if simulation is None:
            return False
        if simulation.state is SimulationState.RUNNING:
            await self._run(simulation)
        return True

    async def _run(self, simulation: Simulation) -> None:
        try:
            async with self._database.reading() as session:
                request = await request_of(session, simulation.draft, simulation.asked_at)
            await self._simulate(simulation.id, simulation.tries, request)
        except Gone:
            log.info("simulation_gone", simulation_id=str(simulation.id))
        except Killed as killed:
            log.warning("simulation_killed", simulation_id=str(simulation.id), fault=str(killed))
            async with self._database.transaction() as session:
                await put_back(session, simulation.id, simulation.tries)
        except Exception as fault:
            if is_passing(fault):
                # Its lease runs out, and it is begun again.
                raise
            log.exception("simulation_failed", simulation_id=str(simulation.id), fault=type(fault).__name__)
            async with self._database.transaction() as session:
                await give_up(session, simulation.id, simulation.tries, FAULT_TOLD, self._clock.now())

    async def _simulate(self, id_: UUID, try_no: int, request: Mapping[str, Any]) -> None:
        leads = len(request["world"]["arrivals"])
        with _child() as child:
            try:
                totals, rows = await self._follow(child, id_, try_no, json.dumps(request).encode(), leads)
            finally:
                child.kill()
        async with self._database.transaction() as session:
            await finish(session, id_, try_no, totals, rows, self._clock.now())

    async def _follow(
        self, child: "subprocess.Popen[bytes]", id_: UUID, try_no: int, request: bytes, leads: int
    ) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
        """Reads to the end; every few seconds the lease is renewed, and it is seen whether it is still ours."""
        await asyncio.to_thread(_hand_over, child, request)
        rows: list[dict[str, Any]] = []
        told_at, progress = monotonic(), 0
        while line := await asyncio.to_thread(_next, child):
            told = json.loads(line)
            if "totals" in told:
                return told["totals"], rows
            if "moved" in told:
                rows.append(_row(told["moved"]))
            progress = told.get("progress", progress)
            if monotonic() - told_at > SIGN_OF_LIFE_SECONDS:
                told_at = monotonic()
                await self._sign_of_life(id_, try_no, progress, leads)
        ended = await asyncio.to_thread(child.wait)
        raise Killed(f"by signal {-ended}") if ended < 0 else NoTotals(f"the child ended with {ended}")

    async def _sign_of_life(self, id_: UUID, try_no: int, progress: int, leads: int) -> None:
        async with self._database.transaction() as session:
            if not await renew(session, id_, try_no, progress, leads):
                raise Gone


def _child() -> "subprocess.Popen[bytes]":
    """Not by the loop: uvloop's child runs what every library does after a fork, and that of tracing waits for ever."""
    return subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603  # our own program


def _hand_over(child: "subprocess.Popen[bytes]", request: bytes) -> None:
    assert child.stdin is not None  # noqa: S101  # a pipe, as it was asked for
    with suppress(BrokenPipeError), child.stdin:
        child.stdin.write(request)


def _next(child: "subprocess.Popen[bytes]") -> bytes:
    """Nothing at its end, and of a line in whose middle it was killed nothing either."""
    assert child.stdout is not None  # noqa: S101  # a pipe, as it was asked for
    line = child.stdout.readline()
    return line if line.endswith(b"\n") else b""


def _row(moved: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **moved,
        "lead_id": UUID(moved["lead_id"]),
        "received_at": datetime.fromisoformat(moved["received_at"]),
        "before": [UUID(id_) for id_ in moved["before"]],
        "after": [UUID(id_) for id_ in moved["after"]],
    }


def simulation_loop(simulator: Simulator) -> Loop:
    return Loop("simulations", simulator.step, idle_seconds=IDLE_SECONDS, hears_commits=False)
