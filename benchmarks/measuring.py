"""Runs a program's figures: the sides in turn, so that what the machine does meanwhile falls on all of them."""

import importlib
import pkgutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Protocol, cast

from benchmarks import programs, results
from benchmarks.figure import Figure
from benchmarks.machine import load, machine, versions
from benchmarks.results import ClaimResult, FigureResult
from benchmarks.stage import Servers, Stage, open_stage
from deploy.local.paths import ROOT


class Program(Protocol):
    NUMBERS: Sequence[str]
    LIBRARIES: Sequence[str]
    figures: Callable[[Stage], AbstractAsyncContextManager[Sequence[Figure]]]


def find(wanted: str) -> list[str]:
    """Names of the programs that `wanted` means: a figure's number, a name, or how a name begins; all for nothing."""
    names = sorted(module.name for module in pkgutil.iter_modules(programs.__path__))
    found = [name for name in names if name.startswith(wanted) or wanted.upper() in load_program(name).NUMBERS]
    if not found:
        raise LookupError(f"no benchmark is called {wanted!r}; there are {', '.join(names)}")
    return found


def load_program(name: str) -> Program:
    return cast("Program", importlib.import_module(f"benchmarks.programs.{name}"))


async def measure(name: str, servers: Servers, runs: int, scale: float, file: Path) -> None:
    """All figures of one program; each is kept as soon as it is measured."""
    program = load_program(name)
    with open_stage(scale, servers) as stage:
        async with program.figures(stage) as figures:
            for figure in figures:
                load_before = load()
                samples = await alternate(figure, runs)
                result = FigureResult(
                    name=figure.name,
                    title=figure.title,
                    program=name,
                    sizes=dict(figure.sizes),
                    scale=scale,
                    samples=samples,
                    claims=[ClaimResult(**asdict(claim)) for claim in figure.claims],
                    measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
                    commit=_commit(),
                    machine=machine(),
                    load_before=load_before,
                    servers=dict(servers.described),
                    versions=versions(program.LIBRARIES),
                )
                results.merge(result, file)
                _print_claims(result)


async def alternate(figure: Figure, runs: int) -> dict[str, list[dict[str, float]]]:
    print(f"\n{figure.title}", flush=True)
    samples: dict[str, list[dict[str, float]]] = {side.name: [] for side in figure.sides}
    for number in range(1, runs + 1):
        for side in figure.sides:
            sample = dict(await side.run())
            samples[side.name].append(sample)
            measured = ", ".join(f"{shown(amount)} {metric}" for metric, amount in sample.items())
            print(f"  {number}/{runs}  {side.name:<40} {measured}", flush=True)
    return samples


def shown(amount: float) -> str:
    """Three figures or more, with thousands apart."""
    if abs(amount) >= 100:
        return f"{amount:,.0f}"
    return f"{amount:.2f}"


def _print_claims(result: FigureResult) -> None:
    for claim in result.claims:
        low, high = result.spread(claim)
        reached = {True: "reached", False: "NOT REACHED", None: "shown"}[result.is_reached(claim)]
        ours, against = (median(s[claim.metric] for s in result.samples[side]) for side in (claim.ours, claim.against))
        print(
            f"  {claim.number}: {claim.ours} {shown(ours)} / {claim.against} {shown(against)} {claim.metric}"
            f" = {result.ratio(claim):.2f} ({low:.2f} to {high:.2f}), {target(claim)}: {reached}",
            flush=True,
        )


def target(claim: ClaimResult) -> str:
    if claim.at_least is not None:
        return f"at least {claim.at_least:.2f}"
    return "no target" if claim.at_most is None else f"at most {claim.at_most:.2f}"


def _commit() -> str:
    """The commit that was measured, with a mark where the tree differs from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
