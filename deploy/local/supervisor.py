"""Keeps the children of one process: started in order, watched, stopped in reverse order."""

from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.child import Child, Program


class Supervisor:
    """Stops its children when the block ends. Were this process killed instead, the children's leashes end them."""

    def __init__(self, log_directory: Path) -> None:
        self._log_directory = log_directory
        self._tiers: list[list[Child]] = [[]]
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

    def begin_tier(self) -> None:
        """What is started from here on needs what was started before, and is stopped before it."""
        self._tiers.append([])

    def start(self, program: Program) -> Child:
        """Starts it; to wait until it is ready is left to the caller, so that several can start at once."""
        child = self.adopt(Child(program, self.log_of(program.name)))
        child.start()
        return child

    def adopt(self, child: Child) -> Child:
        self._tiers[-1].append(child)
        return child

    def log_of(self, name: str) -> Path:
        return self._log_directory / f"{name}.log"

    def check(self) -> None:
        """Raises with the end of the log of a child that ended unasked."""
        for child in self.children:
            if child.has_died:
                raise child.death()

    def stop(self) -> None:
        """Tier by tier; the children of one end side by side, each within its deadline."""
        for tier in reversed(self._tiers):
            for child in reversed(tier):
                child.ask_to_stop()
            for child in reversed(tier):
                child.stop()
        self._tiers = [[]]
