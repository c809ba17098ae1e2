"""Lists over a million rows: the server time of their first and hundredth page, a search, and the memory of a CSV.

The server time is that of `benchmarks/programs/rooms.py`, over a database that is made for it. The CSV is read by who
asked for it as fast as it comes; its process is looked at all the while.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.filled import INTAKE, ROUTING, Filled, fill
from benchmarks.stage import Stage
from benchmarks.workers.room import TOKEN
from chassis.console.siblings import ACTIVITY
from contracts.identity import Role
from tests.kit.identity import TestIdentity

NUMBERS = ("P20", "P21")
LIBRARIES = ("jinja2", "asyncpg")

ROWS, REQUESTS = 1_000_000, 200
SMALLEST = 6_500
"""Of these, too, there are a hundred pages where four in five are in the view."""
FACTOR, ROOM_MB = 1.5, 20
OURS, BARE = "the page", "its bare SQL"
CSV, FLAT = "the CSV", f"its memory at the first rows and {ROOM_MB} MB"
P95, STATEMENTS, PEAK = "p95 ms", "statements", "peak MB"


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, and the views of it that are measured: what each is called, its query and which page of it."""

    filled: Filled
    title: str
    path: str
    views: Sequence[tuple[str, str, int]]


WHOLE = (("first page", "", 1), ("hundredth page", "", 100))
"""The views that every list has: nothing is filtered."""

LISTS: tuple[Listed, ...] = (
    Listed(
        INTAKE,
        "Leads",
        "/console/leads",
        (
            *WHOLE,
            ("first page by time in stage", "status=exception&sort=since", 1),
            ("search of two words", "q=papadopoulos+banksia", 1),
            ("hundredth page of those delivered", "status=delivered", 100),
        ),
    ),
    Listed(
        INTAKE,
        "Follow-ups",
        "/console/follow-ups",
        (
            *WHOLE,
            ("first page of everybody's queue", "state=open", 1),
        ),
    ),
    Listed(INTAKE, "Activity", ACTIVITY.path("intake"), WHOLE),
    Listed(
        ROUTING,
        "Assignments",
        "/console/assignments",
        (
            *WHOLE,
            ("first page of those that failed", "status=failed", 1),
        ),
    ),
    Listed(
        ROUTING,
        "Exceptions",
        "/console/exceptions",
        (
            ("first page of those that wait", "state=open", 1),
            *WHOLE,
        ),
    ),
    Listed(
        ROUTING,
        "Returns",
        "/console/returns",
        (
            *WHOLE,
            ("first page of those to decide", "state=requested&sort=due", 1),
        ),
    ),
)
"""A service's lists share its database: what is added here fills it too."""


@dataclass
class Ground:
    stage: Stage
    identity: TestIdentity
    urls: dict[str, str] = field(default_factory=dict)

    def environment(self, listed: Listed) -> dict[str, str]:
        return {
            f"DATABASE_URL_{listed.filled.service.upper()}": self.urls[listed.filled.service],
            "IDENTITY_JWKS_URL": self.identity.jwks_url,
            TOKEN: self.identity.token_of(Role.SUPER_ADMIN),
        }


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    rows = stage.sized(ROWS, at_least=SMALLEST)
    with TestIdentity() as identity:
        ground = Ground(stage, identity)
        for filled in {listed.filled.service: listed.filled for listed in LISTS}.values():
            ground.urls[filled.service] = (await fill(stage, filled, rows)).url
        yield [
            *(_speed(ground, listed, view, rows) for listed in LISTS for view in listed.views),
            *(_memory(ground, listed, rows) for listed in LISTS),
        ]


def _speed(ground: Ground, listed: Listed, view: tuple[str, str, int], rows: int) -> Figure:
    called, query, page = view
    requests = ground.stage.sized(REQUESTS, at_least=5)
    pair = _Pair(ground, listed, f"{listed.path}?{query}" if query else listed.path, page, requests)
    return Figure(
        name=f"list of {listed.title.lower()}, {called}",
        title=f"{listed.title} of {rows:,} rows: {called}",
        sides=[Side(OURS, pair.ours), Side(BARE, pair.bare)],
        claims=[Claim("P20", P95, OURS, BARE, at_most=FACTOR)],
        sizes={"rows": rows, "requests": requests, "page": page},
    )


@dataclass
class _Pair:
    """One process measures a page and its SQL in turn; each side tells its half."""

    ground: Ground
    listed: Listed
    path: str
    page: int
    requests: int
    measured: dict[str, float] = field(default_factory=dict)

    async def ours(self) -> Sample:
        child = self.ground.stage.launch(
            "benchmarks.workers.room",
            *("--service", self.listed.filled.service, "--path", self.path),
            *("--page", self.page, "--requests", self.requests),
            environment=self.ground.environment(self.listed),
        )
        self.measured = await self.ground.stage.result_of(child)
        return {P95: self.measured["page"]}

    async def bare(self) -> Sample:
        return {P95: self.measured["bare"], STATEMENTS: self.measured["statements"]}


def _memory(ground: Ground, listed: Listed, rows: int) -> Figure:
    measured: dict[str, float] = {}
    return Figure(
        name=f"CSV of {listed.title.lower()}",
        title=f"{listed.title}: a CSV of {rows:,} rows",
        sides=[Side(CSV, partial(_csv, ground, listed, measured)), Side(FLAT, partial(_flat, measured))],
        claims=[Claim("P21", PEAK, CSV, FLAT, at_most=1.0)],
        sizes={"rows": rows},
    )


async def _csv(ground: Ground, listed: Listed, measured: dict[str, float]) -> Sample:
    child = ground.stage.launch(
        "benchmarks.workers.list_csv",
        *("--service", listed.filled.service, "--path", listed.path),
        environment=ground.environment(listed),
    )
    measured.update(await ground.stage.result_of(child))
    return {PEAK: measured["peak_mb"], "rows/s": measured["rows"] / measured["seconds"]}


async def _flat(measured: dict[str, float]) -> Sample:
    return {PEAK: measured["first_mb"] + ROOM_MB}
