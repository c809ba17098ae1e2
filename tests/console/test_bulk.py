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


async def choose_to_reprice(house: House, *names: str) -> str:
    ids = await house.pack(*names)
    answer = await house.post("bulk", action="reprice", ids=[str(id_) for id_ in ids])
    return str(answer.headers["location"])


async def preview(house: House, job: str, **fields: Any) -> httpx.Response:
    asked = {"worth": "12.50", "reason": "Prices rose", **fields}
    return await house.post(f"{job.removeprefix(PATH + '/')}/reprice/preview", **asked)


async def confirm_preview(house: House, job: str, page: str | None = None) -> httpx.Response:
    """As the page that somebody looks at does."""
    shown = page or (await house.get(path=job)).text
    sights = re.findall(r'name="sight" value="([0-9a-f]*)"', shown)
    return await house.post(f"{job.removeprefix(PATH + '/')}/reprice", sight=sights[0])


async def worths(house: House) -> dict[str, int]:
    async with house.database.reading() as session:
        return {row.name: row.cents for row in await session.execute(select(crates.c.name, crates.c.cents))}


class TestPreview:
    """An action that knows what its form would change in each row."""

    async def test_asks_for_the_form_before_it_offers_to_do_anything(self, house: House) -> None:
        job = await choose_to_reprice(house, "A", "B")
        page = (await house.get(path=job)).text
        assert "Sets what 2 crates are worth." in page
        assert f'action="{job}/reprice/preview"' in page
        assert f'action="{job}/reprice"' not in page
        # A field that only the database can fill.
        assert "Of 2 crates in all" in page

    async def test_shows_what_would_change_in_each_and_changes_nothing(self, house: House) -> None:
        job = await choose_to_reprice(house, "A", "B")
        async with house.database.transaction() as session:
            await session.execute(update(crates).where(crates.c.name == "B").values(cents=1_250))
        assert (await preview(house, job)).headers["location"] == job
        page = (await house.get(path=job)).text
        assert "Worth $10.00 → $12.50" in page
        assert "It is worth that already" in page
        assert "What changes, or why not" in page
        assert "Sets what 1 crates are worth." in page
        assert await states(house) == {"A": "ready", "B": "blocked"}
        assert await worths(house) == {"A": 1_000, "B": 1_250}

    async def test_keeps_the_form_that_is_then_confirmed(self, house: House) -> None:
        job = await choose_to_reprice(house, "A", "B")
        await preview(house, job)
        assert (await confirm_preview(house, job)).headers["location"] == job
        assert await worths(house) == {"A": 1_250, "B": 1_250}
        page = (await house.get(path=job)).text
        assert "All 2 are done" in page
        assert page.count("Worth $10.00 → $12.50") == 2
        async with house.database.reading() as session:
            [entry] = (await session.execute(select(audit_entries))).all()
        assert (entry.action, entry.after["rows"], entry.reason_text) == ("bulk_reprice", 2, "Prices rose")

    async def test_shows_the_form_again_as_it_was_filled_in(self, house: House) -> None:
        job = await choose_to_reprice(house, "A")
        await preview(house, job, packed_by="2026-03-04T09:30", kinds=["tin"], is_told="true")
        page = (await house.get(path=job)).text
        assert 'name="worth" type="text" value="12.50"' in page
        assert 'name="packed_by" type="datetime-local" value="2026-03-04T09:30"' in page
        assert 'name="kinds" value="tin" checked' in page
        assert 'name="kinds" value="wood">' in page
        assert 'name="is_told" value="true" checked' in page
        assert ">Prices rose</textarea>" in page

    async def test_another_form_takes_the_place_of_the_one_before(self, house: House) -> None:
        job = await choose_to_reprice(house, "A")
        await preview(house, job, worth="10.00")
        assert await states(house) == {"A": "blocked"}
        assert "None of them can be done" in (await house.get(path=job)).text
        await preview(house, job, worth="11.00")
        assert await states(house) == {"A": "ready"}
        await confirm_preview(house, job)
        assert await worths(house) == {"A": 1_100}

    async def test_a_page_that_shows_an_older_form_confirms_nothing(self, house: House) -> None:
        job = await choose_to_reprice(house, "A")
        await preview(house, job, worth="11.00")
        older = (await house.get(path=job)).text
        await preview(house, job, worth="99.00")
        answer = await confirm_preview(house, job, older)
        assert answer.status_code == HTTPStatus.CONFLICT
        assert "It was previewed again" in answer.text
        assert await worths(house) == {"A": 1_000}

    async def test_is_no_way_around(self, house: House) -> None:
        job = await choose_to_reprice(house, "A")
        path = job.removeprefix(PATH + "/")
        assert (await house.post(f"{path}/reprice", sight="0" * 16)).status_code == HTTPStatus.CONFLICT
        assert (await house.post(f"{path}/ship/preview", reason="x")).status_code == HTTPStatus.NOT_FOUND
        assert (await preview(house, job, worth="a lot")).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        house.operator = {"operator_id": uuid4()}
        assert (await preview(house, job)).status_code == HTTPStatus.FORBIDDEN
        house.lacking = (Capability.WRITE_ROUTING,)
        assert (await preview(house, job)).status_code == HTTPStatus.FORBIDDEN
        assert await worths(house) == {"A": 1_000}

    async def test_after_it_was_confirmed_nothing_is_looked_at_again(self, house: House) -> None:
        job = await choose_to_reprice(house, "A")
        await preview(house, job)
        page = (await house.get(path=job)).text
        await confirm_preview(house, job, page)
        await preview(house, job, worth="99.00")
        await confirm_preview(house, job, page)
        assert await states(house) == {"A": "done"}
        assert await worths(house) == {"A": 1_250}


async def test_all_that_are_mine_are_those_of_who_chooses(house: House) -> None:
    robin = uuid4()
    await house.pack("A", owner_id=robin)
    await house.pack("B", owner_id=uuid4())
    house.operator = {"operator_id": robin}
    await confirm(house, await choose(house, query="mine=true", every="true"))
    assert house.docks.shipped == ["A"]


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
