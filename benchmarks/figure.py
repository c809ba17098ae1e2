"""A figure: sides that are measured beside each other, and what is claimed about their ratio."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

Sample = Mapping[str, float]
"""What one run measured, by metric. The last word of a metric's name is its unit: `events/s`, `p99 ms`, `table MB`."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the programs that are compared; `run` does one run, and times nothing but the work itself."""

    name: str
    run: Callable[[], Awaitable[Sample]]


@dataclass(frozen=True, slots=True)
class Claim:
    """`ours` divided by `against`, both by the median of `metric`. Without a bound it is shown and claims nothing."""

    number: str
    metric: str
    ours: str
    against: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Figure:
    """`name` is its key in the results; `sizes` are the counts and times it was taken with, as they will be shown."""

    name: str
    title: str
    sides: Sequence[Side]
    claims: Sequence[Claim]
    sizes: Mapping[str, float]

    def __post_init__(self) -> None:
        names = {side.name for side in self.sides}
        unknown = {name for claim in self.claims for name in (claim.ours, claim.against)} - names
        if unknown:
            raise ValueError(f"{self.name} claims something of {sorted(unknown)}, which it does not measure")


def percentile(latencies: Sequence[float], percent: float) -> float:
    """The smallest latency that `percent` of all do not exceed, in the unit of `latencies`."""
    ordered = sorted(latencies)
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]
