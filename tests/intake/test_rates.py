"""A source's rate: 429 and when to come again, over all processes that take its leads."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from multiprocessing import get_context
from uuid import UUID

import httpx
import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from contracts.identity import Role
from deploy.local.postgres import ServiceDatabase
from services.intake.commands.budgets import lease
from services.intake.errors import RateLimited
from services.intake.rates import RateLimiter
from tests.intake.desk import Desk, answering
from tests.intake.samples import NOW, committing, count, rows, working_source
from tests.kit.identity import TestIdentity


@pytest.fixture
def tables(fresh_database: Callable[[str], ServiceDatabase]) -> ServiceDatabase:
    return fresh_database("intake")


@pytest.fixture
async def committed(tables: ServiceDatabase) -> AsyncIterator[Database]:
    async with committing(tables) as database:
        yield database


def let_in_by_a_process(url: str, source_id: UUID, limit: int, tries: int) -> int:
    """What one process of its own lets in, with a clock, a memory and connections that nobody shares."""

    async def run() -> int:
        async with committing(ServiceDatabase("intake", url, url)) as database:
            limiter = RateLimiter(database, house_rate=limit)
            told = await asyncio.gather(*(limiter.admit(source_id, None) for _ in range(tries)), return_exceptions=True)
        assert all(each is None or isinstance(each, RateLimited) for each in told)
        return sum(each is None for each in told)

    return asyncio.run(run())


class TestRateLimiter:
    async def test_processes_of_their_own_let_in_what_a_minute_has_and_not_one_more(
        self, tables: ServiceDatabase, committed: Database
    ) -> None:
        _, source = await working_source(committed)
        limit, tries, loop = 20, 60, asyncio.get_running_loop()
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
            minute = await self.minute(committed)
            asked = [
                loop.run_in_executor(processes, let_in_by_a_process, tables.url, source.source_id, limit, tries)
                for _ in range(2)
            ]
            let_in = sum(await asyncio.gather(*asked))
            minutes = 1 + (await self.minute(committed) != minute)
        assert limit <= let_in <= limit * minutes

    @pytest.mark.parametrize("limit", [1, 10, 49, 130])
    async def test_two_processes_let_in_what_a_minute_has_and_not_one_more(
        self, tables: ServiceDatabase, committed: Database, limit: int
    ) -> None:
        """Each with connections of its own, all asking at once. What the minute had before is nobody's any more."""
        _, source = await working_source(committed)
        async with committing(tables) as first, committing(tables) as second:
            limiters = [RateLimiter(database, house_rate=0) for database in (first, second)]

            async def admitted(limiter: RateLimiter) -> bool:
                try:
                    await limiter.admit(source.source_id, limit)
                except RateLimited:
                    return False
                return True

            minute = await self.minute(committed)
            let_in = sum(await asyncio.gather(*(admitted(limiters[n % 2]) for n in range(3 * limit + 20))))
            minutes = 1 + (await self.minute(committed) != minute)
        spare = 2 * max(1, limit // 50)
        assert limit - spare < let_in <= limit * minutes

    @staticmethod
    async def minute(database: Database) -> object:
        (row,) = await rows(database, "SELECT date_trunc('minute', clock_timestamp()) AS minute")
        return row["minute"]

    async def test_a_new_minute_has_all_of_it_again(self, committed: Database) -> None:
        _, source = await working_source(committed)
        async with committed.transaction() as session:
            assert (await lease(session, source.source_id, 10, 7)).given == 7
        async with committed.transaction() as session:
            assert (await lease(session, source.source_id, 1, 7)).given == 0
        await self.let_a_minute_pass(committed)
        async with committed.transaction() as session:
            leased = await lease(session, source.source_id, 3, 7)
        assert leased.given == 3
        assert 0 < leased.seconds_left <= 60

    @staticmethod
    async def let_a_minute_pass(database: Database) -> None:
        async with database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE source_budgets SET minute = minute - interval '1 minute'")

    async def test_who_waited_for_a_lease_into_the_next_minute_takes_part_in_that_one(
        self, committed: Database
    ) -> None:
        """Its own clock reading is of the minute that is over; the row is of the one that runs."""
        _, source = await working_source(committed)
        async with committed.transaction() as session:
            await lease(session, source.source_id, 5, 7)
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE source_budgets SET minute = minute + interval '1 minute'")
        async with committed.transaction() as session:
            assert (await lease(session, source.source_id, 5, 7)).given == 2

    async def test_without_a_rate_nobody_is_asked(self, committed: Database) -> None:
        _, source = await working_source(committed)
        limiter = RateLimiter(committed, house_rate=0)
        for _ in range(5):
            await limiter.admit(source.source_id, None)
        assert await count(committed, "source_budgets") == 0

    async def test_a_new_rate_counts_at_once(self, committed: Database) -> None:
        _, source = await working_source(committed)
        limiter = RateLimiter(committed, house_rate=1)
        await limiter.admit(source.source_id, None)
        with pytest.raises(RateLimited):
            await limiter.admit(source.source_id, None)
        await limiter.admit(source.source_id, 3)


class TestOverHttp:
    async def desks(self, stack: AsyncExitStack, tables: ServiceDatabase, identity: TestIdentity) -> list[Desk]:
        """Two processes, each with its own memory and connections."""
        clock = FixedClock(NOW)
        databases = [await stack.enter_async_context(committing(tables)) for _ in range(2)]
        return [await stack.enter_async_context(answering(database, identity, clock)) for database in databases]

    async def test_what_is_beyond_is_sent_back_before_its_body_is_looked_at(
        self, tables: ServiceDatabase, committed: Database, identity: TestIdentity
    ) -> None:
        async with AsyncExitStack() as stack:
            desks = await self.desks(stack, tables, identity)
            key = await desks[0].new_source()
            (source,) = (await desks[0].get("/admin/lead-sources"))["items"]
            path = f"/admin/lead-sources/{source['id']}/rate"
            body = {"rate_per_minute": 6, "reason": "their form loops"}
            assert (await desks[0].ask("POST", path, Role.EDITOR, json=body)).json()["rate_per_minute"] == 6
            minute = await TestRateLimiter.minute(committed)
            answers = await asyncio.gather(
                *(desks[n % 2].submit(key, client_submission_key=f"k{n}") for n in range(20)),
                *(desk.submit(key, body={}) for desk in desks),
            )
            minutes = 1 + (await TestRateLimiter.minute(committed) != minute)
            taken = Counter(answer.status_code for answer in answers)
            assert 6 <= taken[202] + taken[422] <= 6 * minutes
            refused = [answer for answer in answers if answer.status_code == 429]
            assert len(refused) + taken[202] + taken[422] == len(answers)
            assert {self.told(answer) for answer in refused} == {("rate_limited", True)}
            followed = await desks[1].client.get(
                next(answer for answer in answers if answer.status_code == 202).headers["location"],
                headers={"Authorization": f"Bearer {key}"},
            )
            assert followed.status_code == 200
            too_fast = "SELECT sum(number) AS n FROM source_rejections WHERE code = 'rate_limited'"
            assert await rows(committed, too_fast) == [{"n": len(refused)}]

    @staticmethod
    def told(answer: httpx.Response) -> tuple[str, bool]:
        """The code, and whether it says to come again within the minute."""
        return answer.json()["type"].rpartition(":")[2], 1 <= int(answer.headers["retry-after"]) <= 60
