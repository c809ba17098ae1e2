"""`var/bench.json`: every sample of every figure, with what it was measured on. Ratios are made when it is read."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from deploy.local.paths import VAR

RESULTS = VAR / "bench.json"


@dataclass(frozen=True)
class ClaimResult:
    number: str
    metric: str
    ours: str
    against: str
    at_least: float | None
    at_most: float | None


@dataclass(frozen=True)
class FigureResult:
    """`samples` are by side, in the order of the runs: the nth of one side ran next to the nth of the others."""

    name: str
    title: str
    program: str
    sizes: dict[str, float]
    scale: float
    samples: dict[str, list[dict[str, float]]]
    claims: list[ClaimResult]
    measured_at: str
    commit: str
    machine: str
    load_before: float
    servers: dict[str, str]
    versions: dict[str, str]

    def median(self, side: str, metric: str) -> float:
        return median(sample[metric] for sample in self.samples[side])

    def ratio(self, claim: ClaimResult) -> float:
        return self.median(claim.ours, claim.metric) / self.median(claim.against, claim.metric)

    def spread(self, claim: ClaimResult) -> tuple[float, float]:
        """The lowest and the highest ratio of two runs that stood next to each other."""
        pairs = zip(self.samples[claim.ours], self.samples[claim.against], strict=True)
        ratios = [ours[claim.metric] / against[claim.metric] for ours, against in pairs]
        return min(ratios), max(ratios)

    def is_reached(self, claim: ClaimResult) -> bool | None:
        """None where nothing is claimed."""
        ratio = self.ratio(claim)
        if claim.at_least is not None:
            return ratio >= claim.at_least
        return None if claim.at_most is None else ratio <= claim.at_most


def read(file: Path = RESULTS) -> dict[str, FigureResult]:
    if not file.exists():
        return {}
    return {name: _figure(entry) for name, entry in json.loads(file.read_text())["figures"].items()}


def merge(result: FigureResult, file: Path = RESULTS) -> None:
    """In the place of what was measured of this figure before; whole or not at all."""
    figures = {**read(file), result.name: result}
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".next")
    draft.write_text(
        json.dumps({"figures": {name: asdict(figures[name]) for name in sorted(figures)}}, indent=1) + "\n"
    )
    draft.replace(file)


def _figure(entry: Mapping[str, object]) -> FigureResult:
    claims = [ClaimResult(**claim) for claim in entry["claims"]]  # type: ignore[attr-defined]
    return FigureResult(**{**entry, "claims": claims})  # type: ignore[arg-type]
