"""The exception queue as operators see it: the list's tabs, an item's page, its forms, and what is done in bulk."""

import re
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest

from chassis.console.bulk import jobs
from chassis.http.auth import ACCESS_COOKIE
from chassis.ids import new_id
from contracts.identity import Role
from services.routing.commands.snoozing import SnoozeException, snooze_exception
from services.routing.domain.windows import Limits
from services.routing.models import DispatchException
from services.routing.pages.exception_bulk import BECOMES_THEIRS
from services.routing.pages.exceptions import LISTING
from tests.kit.identity import CSRF, TestIdentity
from tests.kit.statements import questions_of
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


class TestMany:
    """Put off until an instant, as one of them on its page."""

    async def choose(self, desk: Desk, *items: DispatchException, action: str = "snooze") -> str:
        ids = [str(item.id) for item in items]
        answer = await desk.client.post(f"{PATH}/bulk", data={"csrf": CSRF, "action": action, "ids": ids})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def send(self, desk: Desk, path: str, **fields: Any) -> httpx.Response:
        return await desk.client.post(path, data={"csrf": CSRF, **fields})

    async def rows(self, desk: Desk, job: str) -> list[tuple[str, str]]:
        """What is told of each, and why or what."""
        found = re.findall(r'</th>\s*<td>(.*?)</td>\s*<td class="wrap">(.*?)</td>', await page(desk, job), re.DOTALL)
        return [(re.sub("<.*?>", "", told), detail) for told, detail in found]

    async def confirm(self, desk: Desk, job: str, action: str = "snooze") -> None:
        sight = re.search(r'name="sight" value="([0-9a-f]+)"', await page(desk, job))
        assert sight is not None
        answer = await self.send(desk, f"{job}/{action}", sight=sight[1])
        assert answer.status_code == 303, answer.text

    async def slept(self, floor: Floor) -> list[tuple[str, str, str]]:
        rows = await floor.rows(
            "SELECT snoozed_until, snoozed_by, snooze_note FROM dispatch_exceptions WHERE snoozed_until IS NOT NULL"
        )
        return [(row["snoozed_until"].isoformat(), row["snoozed_by"], row["snooze_note"]) for row in rows]

    async def test_are_seen_and_put_off_until_an_instant_of_the_business_zone(self, floor: Floor, desk: Desk) -> None:
        await floor.dispatch(lead(location=FREMANTLE), lead(location=FREMANTLE))
        one, other = await floor.exceptions()
        await floor.operator(SAM)
        await post(desk, one, "hand-over", owner_id=str(SAM.id))
        job, told = await self.choose(desk, one, other), "Asleep until 6 Apr 2026, 9:00 am"
        answer = await self.send(desk, f"{job}/snooze/preview", until="2026-04-06T09:00", note="Easter is over")
        assert answer.status_code == 303, answer.text
        assert sorted(await self.rows(desk, job)) == [("Yes", told), ("Yes", f"{told}; {BECOMES_THEIRS}")]
        assert await self.slept(floor) == []
        await self.confirm(desk, job)
        assert sorted(await self.rows(desk, job)) == [("Done", told), ("Done", f"{told}; {BECOMES_THEIRS}")]
        # By then Sydney has left its summer time: ten hours ahead, and no longer eleven.
        assert await self.slept(floor) == [("2026-04-05T23:00:00+00:00", "Robin Field", "Easter is over")] * 2
        [audited] = await floor.rows(
            "SELECT after ->> 'snoozed_until' AS until, count(*) AS n FROM audit_entries "
            "WHERE action = 'snooze_exception' GROUP BY 1"
        )
        assert audited["n"] == 2
        kept = {item.id: item.owner_name for item in await floor.exceptions(is_open=True)}
        assert kept == {one.id: "Sam Reed", other.id: "Robin Field"}

    @pytest.mark.parametrize("until", ["2026-03-03T13:15", "2026-03-03T13:14", "2027-03-05T09:00"])
    async def test_are_left_alone_where_the_time_is_not_ahead_within_a_year(
        self, floor: Floor, desk: Desk, until: str
    ) -> None:
        job = await self.choose(desk, await waiting(floor))
        await self.send(desk, f"{job}/snooze/preview", until=until, note="rings back")
        assert await self.rows(desk, job) == [("No", "The time is past, or more than a year ahead")]
        told = await page(desk, job)
        assert f'value="{until}"' in told
        assert await self.slept(floor) == []

    async def test_are_refused_one_by_one_where_the_time_has_passed_since(self, floor: Floor, desk: Desk) -> None:
        job = await self.choose(desk, await waiting(floor))
        await self.send(desk, f"{job}/snooze/preview", until="2026-03-03T14:00", note="rings back")
        floor.clock.advance(timedelta(hours=1))
        await self.confirm(desk, job)
        assert await self.rows(desk, job) == [("Refused", "The time is past, or more than a year ahead")]

    async def test_are_given_as_far_as_nothing_is_in_the_installers_way(
        self, floor: Floor, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is told of each before anything is done, with the places that those before it take, however many there
        are; and whoever only looks holds up no dispatch.
        """
        monkeypatch.setattr(jobs, "_ROWS_AT_ONCE", 1)
        installer_id = await floor.installer(Limits(day=1), name="Southern Sun")
        await floor.dispatch(lead(location=FREMANTLE), lead(location=FREMANTLE), lead(location=FREMANTLE))
        one, other, erased = await floor.exceptions()
        await floor.rows_changed("DELETE FROM lead_contacts WHERE lead_id = :id", id=erased.lead_id)
        job = await self.choose(desk, one, other, erased, action="assign")
        with floor.statements() as statements:
            await self.send(desk, f"{job}/assign/preview", installer_id=str(installer_id))
        assert [each for each in statements if "turns_taken" in each]
        assert not [each for each in statements if "turns_taken" in each and "FOR UPDATE" in each]
        blocked = [
            ("No", "Southern Sun cannot have it: cap reached"),
            ("No", "The person was erased, or never known here"),
        ]
        assert sorted(await self.rows(desk, job)) == [*blocked, ("Yes", "Goes to Southern Sun")]
        assert await floor.assignments() == []
        await self.confirm(desk, job, "assign")
        assert sorted(await self.rows(desk, job)) == [("Done", "Goes to Southern Sun"), *blocked]
        made = await floor.only_assignment()
        assert (made.lead_id in {one.lead_id, other.lead_id}, made.installer_id) == (True, installer_id)

    async def test_what_sleeps_already_stays_as_it_was(self, floor: Floor, desk: Desk) -> None:
        item = await waiting(floor)
        await post(desk, item, "snooze", until="2026-03-03T18:00", note="rings back at six")
        job = await self.choose(desk, item)
        assert await self.rows(desk, job) == [("No", "It is snoozed")]

    @pytest.mark.parametrize(
        "fields", [{"until": "tomorrow", "note": "x"}, {"until": "2026-03-04T09:00"}, {"hours": 4}]
    )
    async def test_need_a_time_and_a_note(self, floor: Floor, desk: Desk, fields: dict[str, Any]) -> None:
        job = await self.choose(desk, await waiting(floor))
        assert (await self.send(desk, f"{job}/snooze/preview", **fields)).status_code == 422


class TestTheDesk:
    async def test_tells_the_expected_and_the_alarming_apart(self, floor: Floor, desk: Desk) -> None:
        await floor.dispatch(lead(location=FREMANTLE), lead(contact=None))
        told = await page(desk, "/console/desk/routing/today")
        assert "1 lead waits as expected" in told
        assert "1 lead waits for an operator" in told

    async def test_asks_for_nothing_twice(self, floor: Floor, desk: Desk) -> None:
        """Both kinds and the chart of reasons are of the same numbers."""
        await floor.dispatch(lead(location=FREMANTLE), lead(contact=None))
        with questions_of(floor.database.engine.sync_engine) as asked:
            await page(desk, "/console/desk/routing/today")
        assert sum("dispatch_exceptions" in statement for statement, _ in asked) > 1
        assert [each for each, times in Counter(asked).items() if times > 1] == []
