"""A fault: what is injected, what must hold, and how it is done in a round."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from inspect import isabstract
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, ClassVar

from tests.faults.checker import Checker
from tests.faults.load import Load
from tests.faults.rig import Rig


def chance_of(seed: str) -> Random:
    """To be repeated, not to be secret."""
    return Random(seed)  # noqa: S311


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of it. `kills` and `times` are per round."""

    name: str
    kills: int
    times: int
    hold_seconds: float
    """How long a transaction or a snapshot is held open."""
    down_seconds: float
    """How long a server is away."""
    settle_seconds: float = 90
    """I7: how long after the last fault everything may take to settle, on a machine with other work."""
    leads_per_second: float = 8
    boards_per_second: float = 0.2


SHORT = Scale("short", kills=4, times=1, hold_seconds=2, down_seconds=3, leads_per_second=3, boards_per_second=0.1)
CAMPAIGN = Scale("campaign", kills=24, times=8, hold_seconds=30, down_seconds=15)
LONG = Scale("long", kills=40, times=20, hold_seconds=600, down_seconds=60, settle_seconds=180)
SCALES = {scale.name: scale for scale in (SHORT, CAMPAIGN, LONG)}


@dataclass
class Round:
    rig: Rig
    load: Load
    checker: Checker
    chance: Random
    scale: Scale
    figures: Counter[str] = field(default_factory=Counter)
    longest_seconds: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def note(self, what: str, count: int = 1) -> None:
        self.figures[what] += count

    def note_seconds(self, what: str, began: float) -> None:
        """Since `began`, by the monotonic clock; the longest of the round is reported."""
        self.longest_seconds[what] = max(self.longest_seconds.get(what, 0.0), monotonic() - began)

    def require(self, holds: bool, what: str) -> None:
        """For what must hold besides the invariants; the round goes on, so that they are checked as well."""
        if not holds:
            self.failures.append(what)


class Fault(ABC):
    number: ClassVar[int]
    injects: ClassVar[str]
    holds: ClassVar[str]
    needs_cluster: ClassVar[bool] = False
    is_alone: ClassVar[bool] = False
    kills: ClassVar[bool] = False
    counts_repeats: ClassVar[bool] = False
    """Asks how much was published again, so that no other fault may give rise to it."""

    @classmethod
    def title(cls) -> str:
        return f"{cls.number} {cls.__name__}"

    @abstractmethod
    async def inject(self, at: Round) -> None: ...

    async def verify(self, at: Round) -> None:  # noqa: B027  # most have nothing to add
        """When all has settled: what this fault asks for besides the invariants."""


def every_fault() -> list[type[Fault]]:
    """All that lie in this directory, by number."""
    for module in sorted(Path(__file__).parent.glob("fault_*.py")):
        import_module(f"tests.faults.{module.stem}")
    return sorted(_below(Fault), key=lambda fault: (fault.number, fault.__name__))


def _below(fault: type[Any]) -> Iterator[type[Fault]]:
    """Those that say all of themselves; a class that others share is none."""
    for kind in fault.__subclasses__():
        yield from _below(kind)
        if not isabstract(kind):
            yield kind
