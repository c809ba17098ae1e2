"""A month of a million deliveries becomes issued invoices: by runs, and by one statement that a person wrote for it.

Both leave the same: invoices with lines, numbers without gaps, postings that are proved, and an event for each fact.
Between drafts and issue the references are kept on the drafts, as somebody who types them would: that is not timed.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from benchmarks import ledger
from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.filled import FILLING_SECONDS, Filled, fill, tables
from benchmarks.stage import Stage
from deploy.local.postgres import ServiceDatabase

NUMBERS = ("P10",)
LIBRARIES = ("sqlalchemy", "asyncpg")

DELIVERIES, INSTALLERS = 1_000_000, 2_000
OURS, FLOOR = "runs of drafts and of issue", "one statement for all of it"
CEILING, LIMIT = "a run's memory", "300 MB"
GROWING = (
    "invoices, invoice_lines, number_series, journal_postings, journal_entries, outbox, close_runs, close_results, "
    "audit_entries"
)


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    rows, installers = stage.sized(DELIVERIES, 1_000), stage.sized(INSTALLERS, 10)
    month = tables(lambda rows: ledger.month(rows, installers), triggers=False)
    closing = _Closing(stage, await fill(stage, Filled("billing", month, "month_close"), rows), rows)
    sizes = {"deliveries": rows, "installers": installers}
    yield [
        Figure(
            "month_close",
            f"A month of {rows:,} deliveries is drafted and issued",
            [Side(OURS, closing.ours), Side(FLOOR, closing.floor)],
            [Claim("P10", "lines/s", OURS, FLOOR, at_least=0.60)],
            sizes,
        ),
        Figure(
            "month_close_memory",
            f"The memory of a process that closes a month of {rows:,} deliveries",
            [Side(CEILING, closing.memory), Side(LIMIT, closing.limit)],
            [Claim("P10", "peak MB", CEILING, LIMIT, at_most=1.0)],
            sizes,
        ),
    ]


class _Closing:
    """The month as it was before each run. What ours left is looked at before it goes."""

    def __init__(self, stage: Stage, database: ServiceDatabase, rows: int) -> None:
        self._stage, self._database, self._rows = stage, database, rows
        self._peaks_mb: list[float] = []

    async def ours(self) -> Sample:
        told = await self._run("ours", self._database.url)
        self._peaks_mb.append(told["peak MB"])
        return {"lines/s": told["lines/s"]}

    async def floor(self) -> Sample:
        """As the tables' owner: an invoice that is issued when its lines come is refused by one trigger of them."""
        guard = "invoice_lines {} TRIGGER lines_are_added_to_drafts"
        await self._execute(f"ALTER TABLE {guard.format('DISABLE')}")
        try:
            return await self._run("floor", self._database.owner_url)
        finally:
            await self._execute(f"ALTER TABLE {guard.format('ENABLE')}")

    async def memory(self) -> Sample:
        return {"peak MB": self._peaks_mb.pop(0)}

    async def limit(self) -> Sample:
        return {"peak MB": 300.0}

    async def _run(self, side: str, url: str) -> Sample:
        await self._execute(f"TRUNCATE {GROWING} CASCADE", "CHECKPOINT")
        parts = ("--side", side, "--database", url, "--rows", self._rows)
        return await self._stage.result_of(self._stage.launch("benchmarks.workers.month_close", *parts))

    async def _execute(self, *statements: str) -> None:
        name = self._database.url.rpartition("/")[2]
        execute = self._stage.postgres().address.execute
        await asyncio.to_thread(partial(execute, *statements, database=name, seconds=FILLING_SECONDS))
