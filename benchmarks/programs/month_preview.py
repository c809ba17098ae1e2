"""What a month comes to, installer by installer, amidst a year of a million deliveries and a hundred thousand invoices.

Beside it one statement that a person wrote for the same answer, read by the driver alone.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks import ledger
from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.filled import Filled, fill, tables
from benchmarks.stage import Stage
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("P26",)
LIBRARIES = ("sqlalchemy", "asyncpg")

DELIVERIES, INVOICES, LOOKS = 1_000_000, 100_000, 20
FACTOR = 3.0
OURS, FLOOR = "the month's preview", "one statement for it"


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    rows, invoices, looks = stage.sized(DELIVERIES, 2_000), stage.sized(INVOICES, 100), stage.sized(LOOKS, 5)
    year = tables(lambda rows: ledger.year(rows, invoices), triggers=False)
    pair = _Pair(stage, await fill(stage, Filled("billing", year, "month_preview"), rows), looks)
    yield [
        Figure(
            "month_preview",
            f"A month is previewed among {rows:,} deliveries and {invoices:,} invoices",
            [Side(OURS, pair.ours), Side(FLOOR, pair.floor)],
            [Claim("P26", "p50 ms", OURS, FLOOR, at_most=FACTOR)],
            {"deliveries": rows, "invoices": invoices, "looks": looks},
        )
    ]


@dataclass
class _Pair:
    """One process measures both in turn; each side tells its half."""

    stage: Stage
    database: ServiceDatabase
    looks: int
    measured: dict[str, float] = field(default_factory=dict)

    async def ours(self) -> Sample:
        parts = ("--database", self.database.url, "--looks", self.looks)
        self.measured = dict(await self.stage.result_of(self.stage.launch("benchmarks.workers.month_preview", *parts)))
        return {"p50 ms": self.measured["ours"]}

    async def floor(self) -> Sample:
        return {"p50 ms": self.measured["floor"]}
