"""The rules of dispatch on one core: how many decisions a second, and how long a simulation of 10,000 leads takes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.stage import Stage
from benchmarks.workers.decisions import CANDIDATES

NUMBERS = ("P18", "P19")
LIBRARIES = ()

DECISIONS, LEADS, INSTALLERS = 5_000, 10_000, 500
OURS, FLOOR = "decided, with record and inputs", "json.dumps of the record alone"
SIMULATED, ALLOWED = "both runs of a simulation", "what is allowed"
ALLOWED_SECONDS = 60.0


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    decisions, leads = stage.sized(DECISIONS, 50), stage.sized(LEADS, 50)
    installers = stage.sized(INSTALLERS, 16)
    sides = [
        Side(OURS, partial(measured, stage, "decided", decisions, installers)),
        Side(FLOOR, partial(measured, stage, "encoded", decisions, installers)),
    ]
    speed = Figure(
        "decisions",
        "Decisions of the pure rules on one core",
        sides,
        [Claim("P18", "decisions/s", OURS, FLOOR)],
        {"decisions": decisions, "candidates": CANDIDATES},
    )
    runs = [Side(SIMULATED, partial(measured, stage, "simulated", leads, installers)), Side(ALLOWED, allowed)]
    simulation = Figure(
        "simulation",
        "Past leads are decided again, as it is and under a draft",
        runs,
        [Claim("P19", "seconds", SIMULATED, ALLOWED, at_most=1.0)],
        {"leads": leads, "installers": installers},
    )
    yield [speed, simulation]


async def measured(stage: Stage, side: str, leads: int, installers: int) -> Sample:
    parts = ("--side", side, "--leads", leads, "--installers", installers)
    return await stage.result_of(stage.launch("benchmarks.workers.decisions", *parts))


async def allowed() -> Sample:
    """A constant: nobody waits longer for an answer."""
    return {"seconds": ALLOWED_SECONDS}
