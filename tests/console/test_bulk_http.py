"""Bulk actions as JSON: the console's own, looked at first, confirmed once, with a result for each row."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import select

from chassis.audit import audit_entries
from chassis.http.problems import TYPE_PREFIX
from contracts.identity import Capability
from tests.console.crates import House

JOBS = "/admin/bulk-jobs"
AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


async def post(house: House, path: str, **body: Any) -> httpx.Response:
    return await house.client.post(path, json=body, headers=house.bearer)


async def get(house: House, path: str, **parameters: Any) -> Any:
    answer = await house.client.get(path, params=parameters, headers=house.bearer)
    assert answer.status_code == HTTPStatus.OK, answer.text
    return answer.json()


async def propose(house: House, action: str, *ids: UUID) -> dict[str, Any]:
    answer = await post(house, JOBS, list="crates", action=action, ids=[str(id_) for id_ in ids])
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    job: dict[str, Any] = answer.json()
    return job


def code(answer: httpx.Response) -> str:
    assert answer.status_code == HTTPStatus.FORBIDDEN, answer.text
    told: str = answer.json()["type"]
    return told.removeprefix(TYPE_PREFIX)


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text
    return [(fault["field"], fault["code"]) for fault in answer.json()["errors"]]


async def test_what_can_be_done_is_told_with_its_form(house: House) -> None:
    ship, reprice, insured = (await get(house, "/admin/bulk-actions"))["items"]
    assert (ship["list"], ship["action"], ship["capability"]) == ("crates", "ship", "write_routing")
    assert [each["is_previewed"] for each in (ship, reprice, insured)] == [False, True, False]
    assert [each["needs_second_factor"] for each in (ship, reprice, insured)] == [False, False, True]
    assert set(reprice["form"]["properties"]) == {"worth", "packed_by", "kinds", "is_told", "reason"}


async def test_a_job_is_looked_at_and_then_confirmed(house: House) -> None:
    house.docks.refusing = {"B"}
    ids = [*await house.pack("A", "B"), *await house.pack("C", status="shipped")]
    job = await propose(house, "ship", *ids)
    assert (job["state"], job["rows"]) == (
        "proposed",
        {"ready": 2, "blocked": 1, "done": 0, "refused": 0, "failed": 0},
    )
    assert house.docks.shipped == []
    for _twice in range(2):
        answer = await post(house, f"{JOBS}/{job['id']}/confirm", form={"reason": "The ship is here"})
    told = answer.json()
    assert (told["state"], told["rows"]["done"], told["rows"]["refused"]) == ("finished", 1, 1)
    assert house.docks.shipped == ["A"]
    async with house.database.reading() as session:
        [entry] = (await session.execute(select(audit_entries))).all()
    assert (entry.action, entry.reason_text, entry.request_id) == ("bulk_ship", "The ship is here", told["request_id"])


async def test_jobs_are_narrowed_to_those_with_failed_rows(house: House) -> None:
    house.docks.refusing, house.docks.breaking = {"A"}, {"B"}
    jobs = [await propose(house, "ship", *await house.pack(name)) for name in ("A", "B")]
    for job in jobs:
        await post(house, f"{JOBS}/{job['id']}/confirm", form={"reason": "The ship is here"})
    failing = (await get(house, JOBS, failing="true"))["items"]
    assert [each["id"] for each in failing] == [jobs[1]["id"]]
    assert len((await get(house, JOBS, failing="false"))["items"]) == 2


async def test_rows_are_told_page_by_page_and_by_what_became_of_them(house: House) -> None:
    house.docks.refusing = {"B", "D"}
    job = await propose(house, "ship", *await house.pack("A", "B", "C", "D"))
    await post(house, f"{JOBS}/{job['id']}/confirm", form={"reason": "The ship is here"})
    path = f"{JOBS}/{job['id']}/rows"
    first = await get(house, path, limit=3)
    rest = await get(house, path, limit=3, after=first["next"])
    assert [row["name"] for row in first["items"] + rest["items"]] == ["A", "B", "C", "D"]
    assert rest["next"] is None
    refused = (await get(house, path, state="refused"))["items"]
    assert [(row["row_no"], row["name"], row["detail"]) for row in refused] == [
        (2, "B", "it is marked as fragile"),
        (4, "D", "it is marked as fragile"),
    ]


async def test_what_was_previewed_is_what_is_confirmed(house: House) -> None:
    job = await propose(house, "reprice", *await house.pack("A"))
    path = f"{JOBS}/{job['id']}"
    assert faults(await post(house, f"{path}/confirm", form={"worth": 1_100})) == [("sight", "missing")]
    assert faults(await post(house, f"{path}/preview", form={"worth": "a lot", "csrf": None})) == [
        ("form.csrf", "extra_forbidden")
    ]
    assert faults(await post(house, f"{path}/preview", form={"worth": "a lot"})) == [
        ("form.worth", "amount_invalid"),
        ("form.reason", "missing"),
    ]
    seen = (await post(house, f"{path}/preview", form={"worth": 1_100, "reason": "Prices rose"})).json()
    [row] = (await get(house, f"{path}/rows"))["items"]
    assert row["detail"] == "worth $10.00 → $11.00"
    await post(house, f"{path}/preview", form={"worth": 9_900, "reason": "Prices rose"})
    assert (await post(house, f"{path}/confirm", sight=seen["sight"])).status_code == HTTPStatus.CONFLICT
    seen = (await get(house, path))["sight"]
    assert (await post(house, f"{path}/confirm", sight=seen)).json()["rows"]["done"] == 1


async def test_all_that_match_are_taken_and_what_was_left_undone_again(house: House) -> None:
    await house.pack("A1", "A2", "B")
    house.docks.breaking = {"A2"}
    job = (await post(house, JOBS, list="crates", action="ship", query="q=a")).json()
    await post(house, f"{JOBS}/{job['id']}/confirm", form={"reason": "The ship is here"})
    house.docks.breaking = set()
    again = (await post(house, JOBS, list="crates", action="ship", again_of=job["id"])).json()
    assert again["rows"]["ready"] == 1
    await post(house, f"{JOBS}/{again['id']}/confirm", form={"reason": "It was mended"})
    assert house.docks.shipped == ["A1", "A2"]
    listed = (await get(house, JOBS, state="finished"))["items"]
    assert [(each["id"], each["rows"]["done"], each["rows"]["failed"]) for each in listed] == [
        (again["id"], 1, 0),
        (job["id"], 1, 1),
    ]


async def test_a_selection_says_one_thing(house: House) -> None:
    both: dict[str, Any] = {"ids": [str(uuid4())], "query": ""}
    for said in ({}, both):
        answer = await post(house, JOBS, list="crates", action="ship", **said)
        assert [code for _, code in faults(answer)] == ["selection_unclear"]
    for body in ({"list": "boxes", "action": "ship"}, {"list": "crates", "action": "burn"}):
        answer = await post(house, JOBS, ids=[str(uuid4())], **body)
        assert answer.status_code == HTTPStatus.NOT_FOUND


class TestWhoMay:
    """As the action says, whatever the routes themselves ask for."""

    async def test_propose_it(self, house: House) -> None:
        house.lacking = (Capability.WRITE_ROUTING,)
        answer = await post(house, JOBS, list="crates", action="ship", ids=[str(uuid4())])
        assert code(answer) == "capability_missing"

    async def test_confirm_it(self, house: House) -> None:
        job = await propose(house, "ship", *await house.pack("A"))
        path, form = f"{JOBS}/{job['id']}/confirm", {"reason": "The ship is here"}
        house.lacking = (Capability.WRITE_ROUTING,)
        assert code(await post(house, path, form=form)) == "capability_missing"
        house.lacking, house.operator = (), {"operator_id": uuid4()}
        assert code(await post(house, path, form=form)) == "not_your_job"
        assert house.docks.shipped == []

    async def test_confirm_what_needs_a_fresh_second_factor(self, house: House) -> None:
        job = await propose(house, "ship_insured", *await house.pack("A"))
        path = f"{JOBS}/{job['id']}/confirm"
        fresh, house.operator = house.operator, {**house.operator, "mfa_at": AN_HOUR_AGO}
        assert code(await post(house, path)) == "step_up_required"
        assert house.docks.shipped == []
        house.operator = fresh
        assert (await post(house, path)).json()["rows"]["done"] == 1
