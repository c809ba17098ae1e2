"""The ageing as of a past day over long books, beside one query by hand that sums what was owed by account and age.

Ours tells more in its statement: unapplied credit, what is disputed, the journal's control and the sums of all.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.books import BOOKS, DELIVERIES_PER_INVOICE
from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.filled import fill
from benchmarks.stage import Stage
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("P24",)
LIBRARIES = ("sqlalchemy", "asyncpg")

DELIVERIES, TIMES = 1_000_000, 15
FACTOR = 3.0
OURS, FLOOR = "the ageing", "one query by hand"
MEDIAN = "median ms"


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    """At the smallest there is one invoice in each month."""
    deliveries, times = stage.sized(DELIVERIES, 500), stage.sized(TIMES, 3)
    pair = _Pair(stage, await fill(stage, BOOKS, deliveries), times)
    invoices = deliveries // DELIVERIES_PER_INVOICE
    yield [
        Figure(
            "ageing",
            f"The ageing as of a past day, over {deliveries:,} deliveries and {invoices:,} invoices",
            [Side(OURS, pair.ours), Side(FLOOR, pair.floor)],
            [Claim("P24", MEDIAN, OURS, FLOOR, at_most=FACTOR)],
            {"deliveries": deliveries, "invoices": invoices, "times": times},
        )
    ]


@dataclass
class _Pair:
    """One process measures both in turn; each side tells its half."""

    stage: Stage
    database: ServiceDatabase
    times: int
    measured: dict[str, float] = field(default_factory=dict)

    async def ours(self) -> Sample:
        parts = ("--database", self.database.url, "--times", self.times)
        self.measured = await self.stage.result_of(self.stage.launch("benchmarks.workers.ageing", *parts))
        return {MEDIAN: self.measured["ours"]}

    async def floor(self) -> Sample:
        return {MEDIAN: self.measured["floor"]}
