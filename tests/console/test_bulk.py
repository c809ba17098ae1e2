"""One deed over many rows: seen before it is done, a result for each row, and done once whatever happens meanwhile."""

import asyncio
import re
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select, update

from chassis.audit import audit_entries
from chassis.console.bulk import routes
from chassis.console.bulk.jobs import MOST_ROWS
from chassis.console.bulk.running import ROWS_AT_ONCE
from chassis.console.lists.asking import Place
from chassis.tables import bulk_jobs, bulk_rows
from contracts.identity import Capability
from tests.console.choosing import choose, choose_to_reprice, confirm
from tests.console.crates import PATH, House, crates, names_in
from tests.kit.identity import CSRF

DESK = "/console/desk/identity"
JOBS, ROWS, ACTIVITY = f"{DESK}/bulk-actions", f"{DESK}/bulk-rows", f"{DESK}/activity"


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


async def test_two_rows_are_seen_side_by_side(house: House) -> None:
    a, b, c = [str(id_) for id_ in await house.pack("A", "B", "C")]
    assert 'value="compare">Compare two</button>' in (await house.get()).text
    answer = await house.post("bulk", action="compare", ids=[a, c])
    assert (answer.status_code, answer.headers["location"]) == (HTTPStatus.SEE_OTHER, f"{PATH}/{a}/beside/{c}")
    all_that_match: dict[str, Any] = {"ids": [a, b], "every": "true", "query": "q=a"}
    for fields in ({}, {"ids": [a]}, {"ids": [a, a]}, {"ids": [a, b, c]}, all_that_match):
        answer = await house.post("bulk", action="compare", **fields)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert "Select exactly two rows" in answer.text
    assert await states(house) == {}


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


async def test_all_that_match_are_taken_whatever_page_they_are_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine is, the request that confirms does them all.
    monkeypatch.setattr(routes, "WAIT_SECONDS", 120)
    await house.pack(*(f"A{number}" for number in range(70)))
    await house.pack("B")
    job = await choose(house, query="q=a", every="true")
    await confirm(house, job)
    assert len(house.docks.shipped) == 70
    assert "All 70 are done" in (await house.get(path=job)).text


async def test_more_than_one_action_takes_are_refused_and_none_is_left_out(house: House) -> None:
    await house.pack(*(f"A{number}" for number in range(MOST_ROWS + 1)))
    assert "More than 10,000 match: narrow the list down" in (await house.get("q=a")).text
    answer = await house.post("bulk", action="ship", query="q=a", every="true")
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "10,001 crates match, and one bulk action takes 10,000 at the most" in answer.text
    async with house.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(bulk_jobs)) == 0


async def test_of_rows_that_all_are_blocked_the_number_is_told(house: House) -> None:
    job = await choose(house, ids=[str(id_) for id_ in await house.pack("A", "B", status="shipped")])
    assert "2 crates selected" in (await house.get(path=job)).text


class TestAgain:
    """What was refused or failed, once it is cured."""

    async def test_takes_those_rows_alone(self, house: House) -> None:
        house.docks.refusing, house.docks.breaking = {"B"}, {"C"}
        job = await choose(house, ids=[str(id_) for id_ in await house.pack("A", "B", "C")])
        await confirm(house, job)
        assert "Look at those 2 again" in (await house.get(path=job)).text
        house.docks.refusing, house.docks.breaking = set(), set()
        again = await choose(house, again_of=job.rpartition("/")[2])
        await confirm(house, again)
        assert house.docks.shipped == ["A", "B", "C"]
        assert "All 2 are done" in (await house.get(path=again)).text

    async def test_is_of_the_same_action(self, house: House) -> None:
        job = await choose_to_reprice(house, "A")
        answer = await house.post("bulk", action="ship", again_of=job.rpartition("/")[2])
        assert answer.status_code == HTTPStatus.NOT_FOUND


async def test_whichever_process_does_a_row_it_answers_the_confirmation(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "WAIT_SECONDS", 0)
    job = await choose(house, ids=[str(id_) for id_ in await house.pack(*(f"A{number}" for number in range(60)))])
    sent = {"Accept": "text/html", "X-Request-Id": "the-confirmation", "X-Correlation-Id": "what-it-is-about"}
    data = {"csrf": CSRF, "reason": "The ship is here"}
    await house.client.post(f"{job}/ship", data=data, headers={**house.cookies, **sent})
    assert len(house.docks.shipped) == ROWS_AT_ONCE
    while await house.bulk.step():
        pass
    job_id = UUID(job.rpartition("/")[2])
    assert house.docks.answered == [("the-confirmation", "what-it-is-about", job_id)] * 60


class TestRoom:
    """Where a job is found again, whoever began it."""

    async def test_lists_each_with_the_way_to_it_and_to_its_rows(self, house: House) -> None:
        house.docks.refusing, house.docks.breaking = {"B"}, {"C"}
        job = await choose(house, ids=[str(id_) for id_ in await house.pack("A", "B", "C")])
        await confirm(house, job)
        job_id = job.rpartition("/")[2]
        page = (await house.get(path=JOBS)).text
        assert f'<a href="{JOBS}/{job_id}">Ship</a>' in page
        for state in ("done", "refused", "failed"):
            assert f'<a href="{ROWS}?job={job_id}&amp;state={state}">1</a>' in page
        assert f"job={job_id}&amp;state=ready" not in page
        assert (await house.get(path=f"{JOBS}/{job_id}")).headers["location"] == job
        assert (await house.get(path=f"{JOBS}/{uuid4()}")).status_code == HTTPStatus.NOT_FOUND

    async def test_is_narrowed_to_what_needs_somebody(self, house: House) -> None:
        house.docks.refusing = {"A"}
        for name in ("A", "B"):
            await confirm(house, await choose(house, ids=[str(id_) for id_ in await house.pack(name)]))
        await choose(house, ids=[str(id_) for id_ in await house.pack("C")])
        for query, number in (("undone=true", 1), ("state=open", 1), ("state=finished", 2), ("mine=true", 3)):
            assert len(names_in(await house.get(query, path=JOBS))) == number, query
        house.operator = {"operator_id": uuid4()}
        assert names_in(await house.get("mine=true", path=JOBS)) == []

    async def test_has_every_row_of_a_job_page_by_page(self, house: House) -> None:
        await choose(house, ids=[str(id_) for id_ in await house.pack("Before")])
        names = [f"A{number:03}" for number in range(260)]
        await house.pack(*names)
        job = await choose(house, query="q=a&sort=name", every="true")
        async with house.database.transaction() as session:
            # As it is left by one that has run to its end.
            await session.execute(update(bulk_jobs).values(state="finished"))
            await session.execute(update(bulk_rows).where(bulk_rows.c.name < "A130").values(state="refused"))
        page = (await house.get(path=job)).text
        asked = f"job={job.rpartition('/')[2]}"
        assert "The first 200 are shown" in page
        assert f'<a href="{ROWS}?{asked}&amp;state=refused">130 refused</a>' in page
        found: list[str] = []
        query: str | None = f"{asked}&state=refused&limit=100"
        while query is not None:
            answer = await house.get(query, path=ROWS)
            found += names_in(answer)
            onward = re.search(rf'href="{ROWS}\?([^"]+)" rel="next"', answer.text)
            query = onward[1].replace("&amp;", "&") if onward else None
        assert sorted(found) == names[:130]

    async def test_gives_a_jobs_rows_as_csv(self, house: House) -> None:
        house.docks.refusing = {"B"}
        job = await choose(house, ids=[str(id_) for id_ in await house.pack("A", "B")])
        await confirm(house, job)
        data = {"csrf": CSRF, "query": f"job={job.rpartition('/')[2]}"}
        answer = await house.client.post(f"{ROWS}/export", data=data, headers=house.cookies)
        lines = [line.split(",") for line in answer.text.splitlines()]
        assert [line[:4] for line in lines] == [
            ["\ufeffid", "name", "state", "detail"],
            ["1", "A", "done", ""],
            ["2", "B", "refused", "it is marked as fragile"],
        ]

    async def test_a_place_that_no_page_gave_is_refused(self, house: House) -> None:
        place = Place.write(uuid4(), 10**30)
        assert (await house.get(f"after={place}", path=ROWS)).status_code == HTTPStatus.BAD_REQUEST

    async def test_the_activity_leads_to_it(self, house: House) -> None:
        job = await choose(house, ids=[str(id_) for id_ in await house.pack("A")])
        await confirm(house, job)
        door = f"{JOBS}/{job.rpartition('/')[2]}"
        assert f'<a href="{door}">Bulk job' in (await house.get(path=ACTIVITY)).text
        async with house.database.reading() as session:
            entry_id = await session.scalar(select(audit_entries.c.id))
        assert f'<a href="{door}">What became of each</a>' in (await house.get(path=f"{ACTIVITY}/{entry_id}")).text


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
