"""Keeps the children of one process: started in order, watched, mended, stopped in reverse order."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.child import Child, Program

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 15.0
# Who has run for so long is well again, and a new death is a new story.
WELL_SECONDS = 60.0


class Stopping(Exception):
    """Asked to start something after having been told to stop everything."""


@dataclass
class Mending:
    """How often a child had to be started anew, and when it may be next."""

    restarts: int = 0
    started_at: float = 0.0
    wait_seconds: float = FIRST_WAIT_SECONDS


class Supervisor:
    """Stops its children when the block ends. Were this process killed instead, the children's leashes end them."""

    def __init__(self, log_directory: Path) -> None:
        self._log_directory = log_directory
        self._tiers: list[list[Child]] = [[]]
        self._mendings: dict[str, Mending] = {}
        self._is_stopping = False
        log_directory.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _fault: BaseException | None, _: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def children(self) -> tuple[Child, ...]:
        return tuple(child for tier in self._tiers for child in tier)

    def child(self, name: str) -> Child:
        return next(child for child in self.children if child.name == name)

    def begin_tier(self) -> None:
        """What is started from here on needs what was started before, and is stopped before it."""
        self._tiers.append([])

    def start(self, program: Program) -> Child:
        """Starts it; to wait until it is ready is left to the caller, so that several can start at once."""
        child = self.adopt(Child(program, self.log_of(program.name)))
        child.start()
        return child

    def adopt(self, child: Child) -> Child:
        """Watches and stops a child that is started by somebody else."""
        if self._is_stopping:
            raise Stopping(child.name)
        self._tiers[-1].append(child)
        return child

    def log_of(self, name: str) -> Path:
        return self._log_directory / f"{name}.log"

    def check(self) -> None:
        """Raises with the end of the log of a child that ended unasked."""
        for child in self.children:
            if child.has_died:
                raise child.death()

    def mend(self, report: Callable[[str], None]) -> bool:
        """Starts what ended unasked anew, with a growing wait between tries; whether it did. Reports each death."""
        dead = [child for child in self.children if child.has_died and not self._is_stopping]
        restarted = [child for child in dead if self._restart(child, report)]
        return bool(restarted)

    def restarts_of(self, child: Child) -> int:
        return self._mendings.get(child.name, Mending()).restarts

    def _restart(self, child: Child, report: Callable[[str], None]) -> bool:
        mending = self._mendings.setdefault(child.name, Mending())
        lived_seconds = time.monotonic() - mending.started_at
        if lived_seconds > WELL_SECONDS:
            mending.wait_seconds = FIRST_WAIT_SECONDS
        elif lived_seconds < mending.wait_seconds:
            return False
        report(str(child.death()))
        mending.restarts += 1
        mending.started_at = time.monotonic()
        mending.wait_seconds = min(LONGEST_WAIT_SECONDS, mending.wait_seconds * 2)
        child.start()
        return True

    def stop(self) -> None:
        """Tier by tier; the children of one end side by side, each within its deadline."""
        self._is_stopping = True
        for tier in reversed(self._tiers):
            for child in reversed(tier):
                child.ask_to_stop()
            for child in reversed(tier):
                child.stop()
        self._tiers = [[]]
