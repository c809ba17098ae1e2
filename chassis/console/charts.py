"""Bars from zero, each a door to what it counts: on the desk, and as a section of a document."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """`told` is the value as it is written beside its bar; `before` is drawn in grey behind it."""

    label: str
    value: int
    told: str
    path: str
    before: int | None = None
    told_before: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A bar of a chart; lengths are of a hundred, from zero."""

    bar: Bar
    length: float
    length_before: float | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """`explanation` says what is counted, and what the grey bars are where there are any."""

    title: str
    explanation: str
    bars: Sequence[Drawn]

    @property
    def compares(self) -> bool:
        return any(drawn.length_before is not None for drawn in self.bars)


@dataclass(frozen=True, slots=True)
class Charts:
    """A section that is drawings side by side, each made by `draw`."""

    title: str
    drawings: Sequence[Drawing]
    note: str = ""
    kind: str = "charts"


def draw(title: str, explanation: str, bars: Sequence[Bar]) -> Drawing:
    longest = max((max(bar.value, bar.before or 0) for bar in bars), default=0)

    def length(value: int) -> float:
        return round(100 * max(value, 0) / longest, 1) if longest > 0 else 0.0

    return Drawing(
        title,
        explanation,
        [Drawn(bar, length(bar.value), None if bar.before is None else length(bar.before)) for bar in bars],
    )
