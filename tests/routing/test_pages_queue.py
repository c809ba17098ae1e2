"""The exception queue as operators see it: the list's tabs, an item's page, its forms, and what is done in bulk."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from chassis.http.auth import ACCESS_COOKIE
from chassis.ids import new_id
from contracts.identity import Role
from services.routing.commands.snoozing import SnoozeException, snooze_exception
from services.routing.models import DispatchException
from services.routing.pages.exceptions import LISTING
from tests.kit.identity import CSRF, TestIdentity
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, Floor, Person, lead
from tests.routing.desk import Desk

SAM = Person(new_id(), "Sam Reed")
PATH = "/console/exceptions"


@pytest.fixture(autouse=True)
def _signed_in(desk: Desk, identity: TestIdentity) -> None:
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))


async def waiting(floor: Floor) -> DispatchException:
    await floor.dispatch(lead(location=FREMANTLE))
    return await floor.only_exception()


async def seen(floor: Floor) -> str:
    rows = await floor.rows(
        "SELECT id FROM audit_entries WHERE subject_kind = 'dispatch_exception' ORDER BY occurred_at DESC, id DESC"
    )
    return str(rows[0]["id"]) if rows else ""


async def post(desk: Desk, item: DispatchException, deed: str, seen: str = "", **fields: Any) -> httpx.Response:
    return await desk.client.post(f"{PATH}/{item.id}/{deed}", data={"csrf": CSRF, "seen": seen, **fields})


async def page(desk: Desk, path: str) -> str:
    answer = await desk.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


class TestTheList:
    async def test_tells_who_has_it_what_comes_next_and_when_somebody_is_called(self, floor: Floor, desk: Desk) -> None:
        await floor.installers(2)
        await floor.dispatch(lead())
        await floor.refuse_mail((await floor.only_assignment()).id)
        await post(desk, await floor.only_exception(), "claim")
        told = await page(desk, f"{PATH}?state=open")
        assert "in 2 min" in told
        assert "in 15 min" in told
        assert "Delivery failed" in told

    async def test_has_a_tab_for_each_way_of_waiting(self, floor: Floor, desk: Desk) -> None:
        item = await waiting(floor)
        mark = str(item.id)
        shown = {tab.title: mark in await page(desk, f"{PATH}?{tab.query}") for tab in LISTING.tabs}
        assert shown == {
            "Waits": True,
            "Alarming": False,
            "Mine": False,
            "Unowned": True,
            "Expected": True,
            "Snoozed": False,
            "Resolved": False,
            "All": True,
        }
        async with floor.database.transaction() as session:
            command = SnoozeException(item.id, NOW + timedelta(hours=1), "rings back", ROBIN)
            await snooze_exception(session, command, NOW)
        assert mark not in await page(desk, f"{PATH}?state=open")
        assert mark in await page(desk, f"{PATH}?state=snoozed")
        floor.clock.advance(timedelta(hours=1))
        assert mark in await page(desk, f"{PATH}?state=open")

    async def test_mine_is_of_who_looks(self, floor: Floor, desk: Desk) -> None:
        item = await waiting(floor)
        await post(desk, item, "claim")
        assert str(item.id) in await page(desk, f"{PATH}?owner=mine")
        assert str(item.id) not in await page(desk, f"{PATH}?owner=unowned")


class TestAnItem:
    async def test_is_claimed_handed_over_snoozed_woken_and_rejected_by_its_forms(
        self, floor: Floor, desk: Desk
    ) -> None:
        await floor.operator(SAM)
        item = await waiting(floor)
        for deed, fields, done in (
            ("claim", {}, "Claimed: it is yours"),
            ("hand-over", {"owner_id": str(SAM.id), "note": "rang twice"}, "Sam Reed has it now"),
            ("unassign", {}, "Nobody has it now"),
            ("snooze", {"until": "2026-03-03T18:00", "note": "rings back at six"}, "Snoozed"),
            ("wake", {}, "Awake: it waits in the queue again"),
            ("reject", {"reason": "unplaceable", "note": ""}, "Rejected: the lead is being closed"),
        ):
            answer = await post(desk, item, deed, await seen(floor), **fields)
            assert answer.status_code in (302, 303), (deed, answer.text)
            assert f"<strong>{done}</strong>" in await page(desk, answer.headers["location"])
        told = await page(desk, f"{PATH}/{item.id}")
        for verb in ("claimed it", "handed it over", "let go of it", "snoozed it", "woke it", "rejected the lead"):
            assert verb in told

    async def test_refuses_a_form_that_had_not_seen_the_last_deed(self, floor: Floor, desk: Desk) -> None:
        item = await waiting(floor)
        await post(desk, item, "claim")
        before = await seen(floor)
        assert (await post(desk, item, "unassign", before)).status_code == 303
        assert (await post(desk, item, "snooze", before, until="2026-03-03T18:00", note="at six")).status_code == 409

    async def test_says_that_nobody_has_it_for_too_long_and_what_it_waits_for(self, floor: Floor, desk: Desk) -> None:
        item = await waiting(floor)
        assert "Not by itself: only an operator does" in await page(desk, f"{PATH}/{item.id}")
        floor.clock.advance(timedelta(hours=8))
        assert "no owner for longer than it may" in await page(desk, f"{PATH}/{item.id}")
        assert str(item.id) in await page(desk, f"{PATH}?owner=late")


class TestTheDesk:
    async def test_tells_the_expected_and_the_alarming_apart(self, floor: Floor, desk: Desk) -> None:
        await floor.dispatch(lead(location=FREMANTLE), lead(contact=None))
        told = await page(desk, "/console/desk/routing/today")
        assert "1 lead waits as expected" in told
        assert "1 lead waits for an operator" in told
