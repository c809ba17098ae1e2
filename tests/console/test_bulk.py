"""One deed over many rows: seen before it is done, a result for each row, and done once whatever happens meanwhile."""

import asyncio
import re
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import select, update

from chassis.audit import audit_entries
from chassis.tables import bulk_jobs, bulk_rows
from contracts.identity import Capability
from tests.console.crates import PATH, House, crates


async def choose(house: House, **fields: Any) -> str:
    """The job's page, after the rows were chosen."""
    answer = await house.post("bulk", action="ship", **fields)
    assert answer.status_code == HTTPStatus.SEE_OTHER, answer.text
    return answer.headers["location"]


async def confirm(house: House, job: str, **fields: Any) -> httpx.Response:
    return await house.post(f"{job.removeprefix(PATH + '/')}/ship", **{"reason": "The ship is here", **fields})


def started(house: House) -> dict[str, Any]:
    """What a confirmed job holds."""
    return {"state": "running", "form": {"reason": "The ship is here"}, "started_at": house.clock.now()}


async def states(house: House) -> dict[str, str]:
    async with house.database.reading() as session:
        rows = (await session.execute(select(bulk_rows.c.name, bulk_rows.c.state))).all()
    return {row.name: row.state for row in rows}


async def shipped(house: House) -> set[str]:
    async with house.database.reading() as session:
        return set(await session.scalars(select(crates.c.name).where(crates.c.status == "shipped")))


async def test_nothing_is_done_before_it_was_looked_at(house: House) -> None:
    ids = [*await house.pack("A", "B"), *await house.pack("C", status="shipped")]
    page = await house.get(path=await choose(house, ids=[str(id_) for id_ in ids]))
    assert "Ships 2 crates." in page.text
    assert "It was shipped before" in page.text
    assert await shipped(house) == {"C"}
    assert await states(house) == {"A": "ready", "B": "ready", "C": "blocked"}


async def test_each_row_has_a_result_of_its_own(house: House) -> None:
    ids = await house.pack("A", "B", "C", "D")
    house.docks.refusing, house.docks.breaking = {"B"}, {"C"}
    job = await choose(house, ids=[str(id_) for id_ in ids])
    assert (await confirm(house, job)).headers["location"] == job
    assert await states(house) == {"A": "done", "B": "refused", "C": "failed", "D": "done"}
    # What was refused or failed had begun to change: nothing of it stays.
    assert await shipped(house) == {"A", "D"}
    page = (await house.get(path=job)).text
    assert "2 of 4 are done" in page
    assert "It is marked as fragile" in page
    assert "nothing was changed" in page


async def test_all_that_match_are_taken_whatever_page_they_are_on(house: House) -> None:
    await house.pack(*(f"A{number}" for number in range(70)))
    await house.pack("B")
    job = await choose(house, query="q=a", every="true")
    await confirm(house, job)
    assert len(house.docks.shipped) == 70
    assert "All 70 are done" in (await house.get(path=job)).text


async def test_confirmed_twice_it_is_done_once(house: House) -> None:
    job = await choose(house, ids=[str(id_) for id_ in await house.pack("A")])
    await confirm(house, job)
    await confirm(house, job)
    assert house.docks.shipped == ["A"]
    async with house.database.reading() as session:
        [entry] = (await session.execute(select(audit_entries))).all()
    assert (entry.action, entry.after, entry.reason_text) == (
        "bulk_ship",
        {"list": "crates", "rows": 1},
        "The ship is here",
    )


async def test_what_a_dead_process_left_is_finished_by_the_worker(house: House) -> None:
    ids = await house.pack("A", "B", "C")
    job = await choose(house, ids=[str(id_) for id_ in ids])
    async with house.database.transaction() as session:
        # As it is left by one that had done A and died.
        await session.execute(update(bulk_jobs).values(**started(house)))
        await session.execute(update(bulk_rows).where(bulk_rows.c.name == "A").values(state="done"))
    assert "1 of 3 are through" in (await house.get(path=job)).text
    while await house.bulk.step():
        pass
    assert house.docks.shipped == ["B", "C"]
    async with house.database.reading() as session:
        assert await session.scalar(select(bulk_jobs.c.state)) == "finished"


async def test_only_who_began_it_confirms_it(house: House) -> None:
    job = await choose(house, ids=[str(id_) for id_ in await house.pack("A")])
    house.operator = {"operator_id": uuid4()}
    assert (await confirm(house, job)).status_code == HTTPStatus.FORBIDDEN
    assert house.docks.shipped == []


async def test_a_form_that_is_not_filled_in_confirms_nothing(house: House) -> None:
    job = await choose(house, ids=[str(id_) for id_ in await house.pack("A")])
    assert (await confirm(house, job, reason="")).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert house.docks.shipped == []


async def test_what_cannot_be_chosen_is_refused(house: House) -> None:
    for fields, status in (
        ({"action": "ship"}, HTTPStatus.UNPROCESSABLE_ENTITY),
        ({"action": "burn", "ids": str(uuid4())}, HTTPStatus.NOT_FOUND),
        ({"action": "ship", "ids": "none"}, HTTPStatus.UNPROCESSABLE_ENTITY),
        ({"action": "ship", "every": "true", "query": "colour=red"}, HTTPStatus.UNPROCESSABLE_ENTITY),
    ):
        assert (await house.post("bulk", **fields)).status_code == status
    job = await choose(house, ids=str(uuid4()))
    assert "No longer there" in (await house.get(path=job)).text


async def test_the_bar_is_for_those_who_may_do_it(house: House) -> None:
    await house.pack("A")
    assert 'name="action" value="ship"' in (await house.get()).text
    house.lacking = (Capability.WRITE_ROUTING,)
    assert 'name="action" value="ship"' not in (await house.get()).text
    assert (await house.post("bulk", action="ship", ids=str(uuid4()))).status_code == HTTPStatus.FORBIDDEN


class TestAtOnce:
    """Two processes on one job, over real connections."""

    async def test_a_row_is_done_by_one_of_them(self, fresh_house: House) -> None:
        house = fresh_house
        ids = await house.pack(*(f"C{number}" for number in range(40)))
        job = await choose(house, ids=[str(id_) for id_ in ids])
        async with house.database.transaction() as session:
            await session.execute(update(bulk_jobs).values(**started(house)))
        job_id = UUID(re.sub(".*/", "", job))
        await asyncio.gather(*(house.bulk.run(job_id, lambda: False) for _ in range(3)))
        assert sorted(house.docks.shipped) == sorted(f"C{number}" for number in range(40))
        assert set((await states(house)).values()) == {"done"}
