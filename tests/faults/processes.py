"""The services' processes as a campaign holds them: forked in milliseconds, watched, killed by their ids."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from chassis.settings import Shape
from deploy.local.child import Program
from deploy.local.paths import ROOT
from deploy.local.supervisor import Supervisor
from tests.faults.points import Point
from tests.kit.eventually import eventually

READY_SECONDS = 60
END_SECONDS = 60


@dataclass(eq=False)
class Process:
    """One life of one process. `url` is of its own HTTP surface."""

    service: str
    url: str
    pid: int
    log: Path
    client: httpx.AsyncClient
    ending: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def is_running(self) -> bool:
        return not self.ending.done()

    @property
    def is_stopped(self) -> bool:
        """By SIGSTOP, of whoever's making."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state == "T"

    def signal(self, number: signal.Signals) -> None:
        if self.is_running:
            os.kill(self.pid, number)

    def pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def ask_to_stop(self) -> None:
        self.signal(signal.SIGTERM)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.ended()

    async def ended(self, deadline_seconds: float = END_SECONDS) -> int:
        """The exit code, negative for a signal."""
        async with asyncio.timeout(deadline_seconds):
            return await asyncio.shield(self.ending)

    async def until_stopped(self, deadline_seconds: float = READY_SECONDS) -> None:
        async def stopped() -> bool:
            self.refuse_to_have_ended()
            return self.is_stopped

        await eventually(stopped, deadline_seconds)

    async def until_ready(self, deadline_seconds: float = READY_SECONDS) -> None:
        """Ready, or ended, as one does that was told to die before it is ready."""

        async def ready() -> bool:
            return not self.is_running or await self.answers("/health/ready")

        await eventually(ready, deadline_seconds)

    async def answers(self, path: str, timeout_seconds: float = 5) -> bool:
        """With 200, in time."""
        return not await self.fault_of(path, timeout_seconds)

    async def fault_of(self, path: str, timeout_seconds: float = 5) -> str:
        """What it answers in place of a 200, or why there is no answer in time."""
        try:
            answer = await self.client.get(f"{self.url}{path}", timeout=timeout_seconds)
        except httpx.TransportError as fault:
            return repr(fault)
        return "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:500]}"

    def refuse_to_have_ended(self) -> None:
        if self.ending.done():
            end = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise AssertionError(f"{self.service} ended with {self.ending.result()}; its log ends:\n{end}")


class Nursery:
    """Gives births through the zygote and hears of deaths."""

    def __init__(self, room: Path, supervisor: Supervisor) -> None:
        self._socket = room / "zygote.socket"
        self._supervisor = supervisor
        self._numbers = count(1)
        self._births: dict[int, asyncio.Future[int]] = {}
        self._living: dict[int, Process] = {}
        self._early: dict[int, int] = {}
        self._listener: asyncio.Task[None] | None = None
        self.client = httpx.AsyncClient(timeout=10, trust_env=False)

    @property
    def living(self) -> list[Process]:
        return list(self._living.values())

    async def open(self) -> None:
        program = Program(
            name="zygote",
            command=[sys.executable, "-m", "tests.faults.zygote", str(self._socket)],
            ready=self._socket.exists,
            directory=ROOT,
            ready_seconds=90,
        )
        child = await asyncio.to_thread(self._supervisor.start, program)
        await asyncio.to_thread(child.wait_until_ready)
        reader, self._writer = await asyncio.open_unix_connection(str(self._socket))
        self._listener = asyncio.create_task(self._listen(reader), name="zygote")

    async def close(self) -> None:
        """Kills what lives; the zygote is the supervisor's to stop."""
        for process in self.living:
            process.signal(signal.SIGKILL)
        if self._listener is not None:
            self._writer.close()
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        await self.client.aclose()

    async def bear(
        self, service: str, shape: Shape, url: str, environment: Mapping[str, str], points: Sequence[Point], log: Path
    ) -> Process:
        number = next(self._numbers)
        birth = self._births[number] = asyncio.get_running_loop().create_future()
        order = {
            "order": number,
            "service": service,
            "shape": shape,
            "environment": dict(environment),
            "log": str(log),
            "points": [asdict(point) for point in points],
        }
        self._writer.write(json.dumps(order).encode() + b"\n")
        pid = await birth
        process = Process(service, url, pid, log, self.client)
        if pid in self._early:
            process.ending.set_result(self._early.pop(pid))
        else:
            self._living[pid] = process
        return process

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            self._hear(json.loads(line))
        for birth in self._births.values():
            birth.set_exception(ConnectionError("the zygote is gone"))

    def _hear(self, news: dict[str, Any]) -> None:
        if "order" in news:
            self._births.pop(news["order"]).set_result(news["pid"])
        elif process := self._living.pop(news["ended"], None):
            process.ending.set_result(news["code"])
        else:
            self._early[news["ended"]] = news["code"]
