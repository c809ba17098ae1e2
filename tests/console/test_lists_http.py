"""Lists as JSON: what each can be asked for, its saved views and its CSV, under the rules of the console."""

import csv
import io
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import select

from chassis.audit import audit_entries
from contracts.identity import Capability
from tests.console.crates import House

LISTS, CRATES = "/admin/lists", "/admin/lists/crates"


async def ask(house: House, method: str, path: str, **body: Any) -> httpx.Response:
    return await house.client.request(method, path, json=body or None, headers=house.bearer)


async def test_are_told_with_what_they_can_be_asked_for(house: House) -> None:
    told = {each["list"]: each for each in (await ask(house, "GET", LISTS)).json()["items"]}
    crates = told["crates"]
    assert (crates["path"], crates["capability"], crates["needs_second_factor"]) == (
        "/console/crates",
        Capability.READ_OPS,
        False,
    )
    assert {"q", "status", "packed_from", "packed_to", "packed"} <= set(crates["asked_by"])
    assert "name" in crates["sorted_by"]
    assert set(crates["sorted_by"]) < set(crates["columns"])
    assert {"activity", "bulk-actions"} <= set(told)


async def test_have_views_that_the_console_shows_too(house: House) -> None:
    house.operator = owner = {"operator_id": uuid4(), "name": "Robin Field"}
    saved = await ask(house, "POST", f"{CRATES}/views", name="Ours", query="sort=name&status=shipped", is_shared=True)
    assert saved.status_code == HTTPStatus.CREATED, saved.text
    view = saved.json()
    assert (view["name"], view["query"], view["owner_name"]) == ("Ours", "status=shipped&sort=name", "Robin Field")
    assert "Ours" in (await house.get()).text
    house.operator = {"operator_id": uuid4(), "name": "Sam Hale"}
    assert (await ask(house, "GET", f"{CRATES}/views")).json()["items"] == [view]
    refused = await ask(house, "DELETE", f"{CRATES}/views/{view['id']}")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (HTTPStatus.FORBIDDEN, "not_your_view")
    house.operator = owner
    assert (await ask(house, "DELETE", f"{CRATES}/views/{view['id']}")).status_code == HTTPStatus.NO_CONTENT
    assert (await ask(house, "GET", f"{CRATES}/views")).json()["items"] == []
    assert (await ask(house, "DELETE", f"{CRATES}/views/{view['id']}")).status_code == HTTPStatus.NOT_FOUND


async def test_are_taken_along_as_they_are_asked_for_and_on_record(house: House) -> None:
    await house.pack("A", "B")
    await house.pack("C", status="shipped")
    answer = await ask(house, "POST", f"{CRATES}/export", query="status=packed&sort=-name")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert [row["name"] for row in rows] == ["B", "A"]
    async with house.database.reading() as session:
        [entry] = (await session.execute(select(audit_entries))).all()
    assert (entry.action, entry.subject_id, entry.after["filters"]) == (
        "export_list",
        "crates",
        {"status": ["packed"]},
    )


async def test_refuse_what_they_do_not_have(house: House) -> None:
    for path, body in (("views", {"name": "Red", "query": "colour=red"}), ("export", {"query": "colour=red"})):
        answer = await ask(house, "POST", f"{CRATES}/{path}", **body)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert [fault["field"] for fault in answer.json()["errors"]] == ["colour"]
    assert (await ask(house, "GET", f"{LISTS}/barrels/views")).status_code == HTTPStatus.NOT_FOUND
