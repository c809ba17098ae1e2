"""Postings per second: the journal as its commands write it, beside pgledger's own SQL on the same server.

pgledger's SQL is brought from outside: PGLEDGER_SQL names its `pgledger.sql`, and the file of the ULIDs that it uses
lies beside it as its repository has it. Both write from as many connections at once, a hundred postings in a
transaction and one alone: pgledger locks its accounts' rows, so that which suits it depends on the accounts.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg

from benchmarks.figure import Claim, Figure, Sample, Side
from benchmarks.stage import Stage
from chassis import migrate
from chassis.database import Database, create_engine
from chassis.ids import new_id
from deploy.local.postgres import create_database, create_role
from services.billing.commands.journal import post
from services.billing.domain.journal import LedgerAccount, Posting, PostingKind, transfer

NUMBERS = ("P11",)
LIBRARIES = ("sqlalchemy", "asyncpg")

SQL = "PGLEDGER_SQL"
ULIDS = "vendor/scoville-pgsql-ulid/uuid-to-ulid.sql"
POSTINGS, ACCOUNTS, HOT = 20_000, 2_000, 2
WRITERS, MANY, ONE = 8, 100, 1
ALONE = 10
"""One part of so many is written where each is a transaction of its own."""
OURS, RIVAL = "the journal", "pgledger"
RATE = "postings/s"
DICE = random.Random(11)  # noqa: S311  # which accounts, and how much

Write = Callable[[int], Awaitable[None]]


@asynccontextmanager
async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]:
    address = stage.postgres().address
    create_role(address, "billing")
    made = create_database(address, "billing", "bench_journal")
    await asyncio.to_thread(migrate.upgrade, migrate.configuration("billing", made.owner_url, "billing"))
    database = Database(create_engine(made.url, pool_size=WRITERS), "/waybill/billing")
    rival = await _pgledger(stage)
    postings = stage.sized(POSTINGS, at_least=WRITERS * MANY * 2)
    yield [_figure(_Journal(database, count), _Rival(rival, count), postings, count) for count in (ACCOUNTS, HOT)]
    await database.close()
    await rival.close()


def _figure(ours: "_Journal", rival: "_Rival", postings: int, accounts: int) -> Figure:
    many, one = "a hundred at once", "one by one"
    few = max(WRITERS, postings // ALONE)
    return Figure(
        f"ledger over {accounts} accounts",
        f"Postings over {accounts:,} accounts, from {WRITERS} connections",
        [
            Side(f"{OURS}, {many}", partial(ours.run, postings, MANY)),
            Side(f"{RIVAL}, {many}", partial(rival.run, postings // ALONE, MANY)),
            Side(f"{OURS}, {one}", partial(ours.run, few, ONE)),
            Side(f"{RIVAL}, {one}", partial(rival.run, few, ONE)),
        ],
        [
            Claim("P11", RATE, f"{OURS}, {many}", f"{RIVAL}, {many}", at_least=1.0),
            Claim("P11", RATE, f"{OURS}, {many}", f"{RIVAL}, {one}", at_least=1.0),
            Claim("P11", RATE, f"{OURS}, {one}", f"{RIVAL}, {one}"),
        ],
        {"postings": postings, "accounts": accounts, "writers": WRITERS},
    )


async def _pgledger(stage: Stage) -> asyncpg.Pool:
    """Its own database, with its tables and its accounts."""
    where = os.environ.get(SQL)
    if not where:
        raise LookupError(f"{SQL} names pgledger.sql, which is brought from outside")
    made = stage.database()
    pool = await asyncpg.create_pool(made.owner_url, min_size=WRITERS, max_size=WRITERS)
    for file in (Path(where).parent / ULIDS, Path(where)):
        await pool.execute(await asyncio.to_thread(file.read_text))
    create = "SELECT id FROM generate_series(1, $1) AS n, pgledger_create_account('account ' || n, 'AUD')"
    await pool.fetch(create, ACCOUNTS)
    return pool


async def _timed(postings: int, in_each: int, write: Write) -> Sample:
    """All writers at once, each its share, one transaction at least."""
    each = max(1, postings // WRITERS // in_each)

    async def writer() -> None:
        for _ in range(each):
            await write(in_each)

    started = time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    return {RATE: each * WRITERS * in_each / (time.perf_counter() - started)}


@dataclass
class _Journal:
    """An account of the ledger by party: what one owes, and what came in of it."""

    database: Database
    accounts: int

    async def run(self, postings: int, in_each: int) -> Sample:
        parties = [UUID(int=number) for number in range(self.accounts)]

        async def write(number: int) -> None:
            now = datetime.now(UTC)
            given = [self._posting(DICE.choice(parties), now) for _ in range(number)]
            async with self.database.transaction() as session:
                await post(session, given, now)

        return await _timed(postings, in_each, write)

    def _posting(self, party: UUID, now: datetime) -> Posting:
        entries = transfer(LedgerAccount.CASH, LedgerAccount.RECEIVABLE, DICE.randint(1, 10_000))
        return Posting(f"bench:{new_id()}", PostingKind.PAYMENT_RECEIVED, now, entries, party_id=party)


@dataclass
class _Rival:
    pool: asyncpg.Pool
    accounts: int

    async def run(self, postings: int, in_each: int) -> Sample:
        rows = await self.pool.fetch("SELECT id FROM pgledger_accounts ORDER BY id LIMIT $1", self.accounts)
        ids = [row["id"] for row in rows]
        ask = (
            "SELECT count(*) FROM pgledger_create_transfers((SELECT array_agg((f, t, c)::transfer_request) "
            "FROM unnest($1::text[], $2::text[], $3::numeric[]) AS given (f, t, c)), NULL, NULL)"
        )

        async def write(number: int) -> None:
            pairs = [DICE.sample(ids, 2) for _ in range(number)]
            cents = [DICE.randint(1, 10_000) for _ in range(number)]
            await self.pool.execute(ask, [f for f, _ in pairs], [t for _, t in pairs], cents)

        return await _timed(postings, in_each, write)
