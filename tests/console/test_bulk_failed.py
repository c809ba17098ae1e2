"""Rows of a bulk action that failed for a fault of ours: the desk calls for somebody until they are looked at again."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update

from chassis.console.bulk.failures import CALLS_FOR, failed_rows
from chassis.tables import bulk_jobs, bulk_rows
from tests.console.choosing import choose, choose_to_reprice, confirm
from tests.console.crates import House

JOBS = "/console/desk/identity/bulk-actions"


class TestFailed:
    """What a fault of ours left undone calls for somebody, with the way to just those."""

    async def calls(self, house: House) -> tuple[int, list[str]]:
        """The number that is told, and the jobs behind its door."""
        waiting = failed_rows("identity")
        async with house.database.reading() as session:
            told = await waiting.count(session, house.clock.now())
        assert (told.oldest is not None) == (told.number > 0)
        path, _, query = waiting.path.partition("?")
        found = re.findall(rf'href="{JOBS}/([0-9a-f-]{{36}})"', (await house.get(query, path=path)).text)
        return told.number, found

    async def done(self, house: House, **chosen: Any) -> str:
        job = await choose(house, **chosen)
        await confirm(house, job)
        return job.rpartition("/")[2]

    async def test_calls_until_somebody_looks_at_it_again(self, house: House) -> None:
        ids = [str(id_) for id_ in await house.pack("A", "B", "C", "D")]
        house.docks.refusing, house.docks.breaking = {"B"}, {"C"}
        await self.done(house, ids=ids[:2])
        assert await self.calls(house) == (0, [])
        failed = await self.done(house, ids=ids[2:])
        assert await self.calls(house) == (1, [failed])
        again = await choose(house, again_of=failed)
        assert await self.calls(house) == (1, [failed])
        await confirm(house, again)
        assert await self.calls(house) == (1, [again.rpartition("/")[2]])
        house.docks.breaking = set()
        await self.done(house, again_of=again.rpartition("/")[2])
        assert await self.calls(house) == (0, [])

    async def test_another_deed_or_one_before_is_no_look_at_it(self, house: House) -> None:
        [id_] = await house.pack("A")
        await choose_to_reprice(house, "A")
        house.docks.breaking = {"A"}
        failed = await self.done(house, ids=[str(id_)])
        async with house.database.transaction() as session:
            await session.execute(update(bulk_jobs).where(bulk_jobs.c.action == "reprice").values(state="finished"))
            await session.execute(update(bulk_rows).where(bulk_rows.c.job_id != UUID(failed)).values(state="done"))
        assert await self.calls(house) == (1, [failed])

    async def test_calls_for_thirty_days(self, house: House) -> None:
        house.docks.breaking = {"A"}
        failed = await self.done(house, ids=[str(id_) for id_ in await house.pack("A")])
        house.clock.advance(CALLS_FOR - timedelta(seconds=1))
        assert await self.calls(house) == (1, [failed])
        house.clock.advance(timedelta(seconds=1))
        assert await self.calls(house) == (0, [])
