"""Loops: work that a service finds in its own tables and does outside a transaction, such as sending mail."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import structlog

from chassis.faults import is_passing
from chassis.pacing import Pace

log = structlog.get_logger(__name__)

FAULT_SECONDS = (0.2, 5.0)
IDLE_SECONDS = (0.05, 1.0)
"""Between two looks for work: after some came unannounced, and after ten seconds without. Commits announce it."""


@dataclass(frozen=True, slots=True)
class Loop:
    """`step` does one portion of the work and says whether there was any; with none, the loop rests.

    Where `hears_commits` is false its work is not what commits leave (it falls due, or is asked for now and then): it
    looks when its rest is over, or when the service wakes all of its loops.
    """

    name: str
    step: Callable[[], Awaitable[bool]]
    idle_seconds: tuple[float, float] = IDLE_SECONDS
    hears_commits: bool = True


class LoopRunner:
    """Runs a loop until stopped. A step that fails is tried again, later and later; it never ends the loop."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._stopping = False
        self._woken = asyncio.Event()
        self._pace = Pace(*loop.idle_seconds)
        self.last_progress = monotonic()
        self._rests_until = self.last_progress

    @property
    def name(self) -> str:
        return self._loop.name

    @property
    def hears_commits(self) -> bool:
        return self._loop.hears_commits

    def stop(self) -> None:
        self._stopping = True
        self._woken.set()

    def wake(self) -> None:
        """Something was committed: look at once."""
        self._pace.announce()
        self._woken.set()

    def is_stuck(self, within_seconds: float) -> bool:
        """Without progress for so long though it should have looked: one that rests for want of work is not stuck."""
        return monotonic() - max(self.last_progress, self._rests_until) > within_seconds

    async def run(self) -> None:
        wait = FAULT_SECONDS[0]
        while not self._stopping:
            self._woken.clear()
            try:
                with self._pace.look() as look:
                    look.found = look.left_some = await self._loop.step()
                wait = FAULT_SECONDS[0]
            except Exception as fault:
                if is_passing(fault):
                    log.warning("loop_away", loop=self.name, fault=type(fault).__name__)
                else:
                    log.exception("loop_failed", loop=self.name, fault=type(fault).__name__)
                await self._rest(wait)
                wait = min(FAULT_SECONDS[1], wait * 2)
                continue
            self.last_progress = monotonic()
            if not look.found:
                wait_seconds = self._pace.wait_seconds()
                self._rests_until = self.last_progress + wait_seconds
                await self._rest(wait_seconds)

    async def _rest(self, seconds: float) -> None:
        if self._stopping:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
