"""Health means progress: `/health/live` asks whether anything is stuck, `/health/ready` whether work can be done."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import structlog
from litestar import MediaType, Response, get
from litestar.types import ControllerRouterHandler
from sqlalchemy import text

from chassis.database import Database
from chassis.http.auth import public
from chassis.http.caching import NO_STORE
from chassis.telemetry.metrics import CONTENT_TYPE_LATEST, LOOP_LAG_SECONDS, exposition

log = structlog.get_logger(__name__)

PROBE_SECONDS = 2.0
BEAT_SECONDS = 0.5
LONGEST_BEAT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`detail` names parts, never values."""

    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    name: str
    check: Callable[[], Awaitable[Verdict]]


class Heartbeat:
    """Beats on the event loop: what blocks the loop makes it late."""

    def __init__(self) -> None:
        self._beat_at = monotonic()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._beat_at = monotonic()
        self._task = asyncio.create_task(self._beat(), name="heartbeat")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = monotonic()
            LOOP_LAG_SECONDS.set(max(0.0, now - self._beat_at - BEAT_SECONDS))
            self._beat_at = now

    async def check(self) -> Verdict:
        is_late = monotonic() - self._beat_at > LONGEST_BEAT_SECONDS
        return Verdict(not is_late, "no beat for too long" if is_late else "")


@dataclass
class Health:
    """`live` names the parts that are stuck, `ready` those that cannot work yet; probes are asked beside them."""

    database: Database
    live: Callable[[], list[str]] = list
    ready: Callable[[], list[str]] = list
    live_probes: Sequence[Probe] = ()
    ready_probes: Sequence[Probe] = ()
    heartbeat: Heartbeat = field(default_factory=Heartbeat)

    def liveness(self) -> list[Probe]:
        return [
            Probe("event_loop", self.heartbeat.check),
            Probe("progress", _none_of(self.live)),
            *self.live_probes,
        ]

    def readiness(self) -> list[Probe]:
        return [Probe("database", self._reach_database), Probe("consumers", _none_of(self.ready)), *self.ready_probes]

    async def _reach_database(self) -> Verdict:
        async with self.database.reading() as session:
            await session.execute(text("SELECT 1"))
        return Verdict(True)

    def routes(self) -> list[ControllerRouterHandler]:
        health = self

        @get("/health/live", guards=[public("the platform asks")], include_in_schema=False)
        async def live() -> Response[dict[str, Any]]:
            return await _answer(health.liveness())

        @get("/health/ready", guards=[public("the platform asks")], include_in_schema=False)
        async def ready() -> Response[dict[str, Any]]:
            return await _answer(health.readiness())

        @get("/metrics", guards=[public("scraped by Prometheus")], include_in_schema=False, media_type=MediaType.TEXT)
        async def metrics() -> Response[bytes]:
            return Response(exposition(), media_type=CONTENT_TYPE_LATEST)

        return [live, ready, metrics]


def _none_of(names: Callable[[], list[str]]) -> Callable[[], Awaitable[Verdict]]:
    async def check() -> Verdict:
        found = names()
        return Verdict(not found, ", ".join(found))

    return check


async def _answer(probes: Sequence[Probe]) -> Response[dict[str, Any]]:
    verdicts = await asyncio.gather(*(_ask(probe) for probe in probes))
    checks = {
        probe.name: {"ok": verdict.ok} | ({"detail": verdict.detail} if verdict.detail else {})
        for probe, verdict in zip(probes, verdicts, strict=True)
    }
    is_well = all(verdict.ok for verdict in verdicts)
    content = {"status": "ok" if is_well else "failing", "checks": checks}
    return Response(content, status_code=200 if is_well else 503, headers=NO_STORE)


async def _ask(probe: Probe) -> Verdict:
    """A probe that fails or hangs has its verdict too."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await probe.check()
    except Exception as fault:
        log.warning("probe_failed", probe=probe.name, fault=type(fault).__name__)
        return Verdict(False, type(fault).__name__)
