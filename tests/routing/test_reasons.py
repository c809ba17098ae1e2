"""Why somebody did what says enough by itself: in the audit where they said it, over HTTP and by the pages' forms."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.http.auth import ACCESS_COOKIE
from chassis.ids import new_id
from contracts.identity import Role
from services.routing.commands.snoozing import SnoozeException, snooze_exception
from services.routing.models import DispatchException
from tests.kit.identity import CSRF, TestIdentity
from tests.routing.arrangements import FREMANTLE, NOW, ROBIN, Floor, lead
from tests.routing.desk import Desk, faults
from tests.routing.given_back import sent

SAID = {"reason": "  They rang about it\n"}
WHY = "They rang about it"
CONTACT = {"name": "Ana Lim", "role": "site", "phone": "0491 570 156"}


@pytest.fixture
def _signed_in(desk: Desk, identity: TestIdentity) -> None:
    desk.client.cookies.set(ACCESS_COOKIE, identity.token_of(Role.EDITOR))


async def waiting(floor: Floor, *, asleep: bool = False) -> DispatchException:
    await floor.dispatch(lead(location=FREMANTLE))
    item = await floor.only_exception()
    if asleep:
        async with floor.database.transaction() as session:
            await snooze_exception(session, SnoozeException(item.id, NOW + timedelta(hours=1), "at six", ROBIN), NOW)
    return item


async def audited(floor: Floor, action: str) -> list[str | None]:
    """The reasons of such deeds, each of which answers a request."""
    rows = await floor.rows(
        "SELECT reason_text, request_id FROM audit_entries WHERE action = :action ORDER BY id", action=action
    )
    assert all(row["request_id"] for row in rows)
    return [row["reason_text"] for row in rows]


async def open_to(floor: Floor, what: str) -> str:
    """The address of something with which that can be done, under `/admin` and `/console` alike."""
    if what == "withdraw":
        await floor.installer()
        return f"returns/{(await floor.ask_back((await sent(floor)).id)).id}"
    return f"dispatch-exceptions/{(await waiting(floor, asleep=what == 'wake')).id}"


DEEDS = [
    ("retry", "retry_dispatch"),
    ("claim", "claim_exception"),
    ("wake", "wake_exception"),
    ("withdraw", "withdraw_return"),
]


class TestOverHttp:
    @pytest.mark.parametrize(("deed", "action"), DEEDS)
    async def test_stands_in_the_audit_and_need_not_be_said(
        self, floor: Floor, desk: Desk, deed: str, action: str
    ) -> None:
        path = f"/admin/{await open_to(floor, deed)}/{deed}"
        for refused in ({"reason": " "}, {"reason": "x" * 1001}, {"why": "x"}):
            assert (await desk.ask("POST", path, refused)).status_code == 422
        assert await audited(floor, action) == []
        await desk.do("POST", path, SAID)
        assert await audited(floor, action) == [WHY]

    async def test_of_a_return_stands_with_what_was_decided(self, floor: Floor, desk: Desk) -> None:
        path = f"/admin/{await open_to(floor, 'withdraw')}"
        assert (await desk.do("POST", f"{path}/withdraw", SAID))["decision_note"] == WHY

    async def test_of_a_retry_stands_with_its_decision(self, floor: Floor, desk: Desk) -> None:
        told = await desk.do("POST", f"/admin/{await open_to(floor, 'retry')}/retry", SAID)
        [*_, decision] = await floor.decisions(told["dispatch"]["lead_id"])
        assert decision.reason_text == WHY

    async def test_of_contacts_added_changed_and_removed(self, floor: Floor, desk: Desk) -> None:
        path = f"/admin/installers/{await floor.installer()}/contacts"
        for said, why in ((SAID, WHY), ({}, None)):
            added = await desk.do("POST", path, CONTACT | said)
            assert "reason" not in added
            await desk.do("PATCH", f"{path}/{added['id']}", {"role": "owner", **said})
            assert (await desk.ask("DELETE", f"{path}/{added['id']}", said or None)).status_code == 204
            for action in ("add_contact", "change_contact", "remove_contact"):
                assert (await audited(floor, action))[-1] == why
        added = await desk.do("POST", path, CONTACT)
        refused = await desk.ask("PATCH", f"{path}/{added['id']}", {"reason": ""})
        assert faults(refused) == {"reason": "string_too_short"}
        # Of itself it changes nothing: there is nothing to be the reason of.
        await desk.do("PATCH", f"{path}/{added['id']}", SAID)
        assert len(await audited(floor, "change_contact")) == 2

    async def test_of_simulations_asked_for_and_cancelled_is_no_part_of_the_draft(
        self, floor: Floor, desk: Desk
    ) -> None:
        asked = {"id": str(new_id()), "days": 7}
        told = await desk.do("POST", "/admin/simulations", asked | SAID)
        assert told["draft"] == {"days": 7}
        assert await desk.do("POST", "/admin/simulations", asked) == told
        await desk.do("POST", f"/admin/simulations/{asked['id']}/cancel", SAID)
        assert await audited(floor, "ask_simulation") == [WHY]
        assert await audited(floor, "cancel_simulation") == [WHY]


@pytest.mark.usefixtures("_signed_in")
class TestByForms:
    async def post(self, desk: Desk, path: str, **fields: Any) -> str:
        """The page that it leads to."""
        answer = await desk.client.post(path, data={"csrf": CSRF, **fields})
        assert answer.status_code == 303, answer.text
        return (await desk.client.get(answer.headers["location"])).text

    @pytest.mark.parametrize(("deed", "action"), DEEDS)
    async def test_is_asked_for_and_told(self, floor: Floor, desk: Desk, deed: str, action: str) -> None:
        page = f"/console/{(await open_to(floor, deed)).replace('dispatch-', '')}"
        shown = (await desk.client.get(page)).text
        form = shown.partition(f'action="{page}/{deed}"')[2].partition("</form>")[0]
        assert 'name="reason"' in form
        seen = form.partition('name="seen" value="')[2].partition('"')[0]
        assert WHY in await self.post(desk, f"{page}/{deed}", **SAID, **({"seen": seen} if seen else {}))
        assert await audited(floor, action) == [WHY]

    async def test_of_contacts(self, floor: Floor, desk: Desk) -> None:
        page = f"/console/installers/{await floor.installer()}"
        id_ = str(new_id())
        told = await self.post(desk, f"{page}/people", id=id_, **CONTACT, **SAID)
        assert WHY in told
        seen = await floor.rows("SELECT id FROM audit_entries WHERE action = 'add_contact'")
        changed = {**CONTACT, "role": "owner", "seen": str(seen[0]["id"])}
        assert 'name="reason"' in await self.post(desk, f"{page}/people/{id_}/change", **changed, **SAID)
        assert await audited(floor, "add_contact") == await audited(floor, "change_contact") == [WHY]

    async def test_of_a_simulation(self, floor: Floor, desk: Desk) -> None:
        fields = {"id": str(new_id()), "days": "7", **SAID}
        answer = await desk.client.post("/console/simulations/new", data={"csrf": CSRF, "more": "true", **fields})
        assert WHY in answer.text.partition('name="reason"')[2].partition("</textarea>")[0]
        assert WHY in await self.post(desk, "/console/simulations", **fields)
        await self.post(desk, f"/console/simulations/{fields['id']}/cancel", reason="Asked by mistake")
        assert await audited(floor, "cancel_simulation") == ["Asked by mistake"]

    async def test_of_many_stands_with_each_and_with_the_bulk_action(self, floor: Floor, desk: Desk) -> None:
        item = await waiting(floor)
        chosen = {"csrf": CSRF, "action": "retry", "ids": [str(item.id)]}
        job = (await desk.client.post("/console/exceptions/bulk", data=chosen)).headers["location"]
        assert 'name="reason"' in (await desk.client.get(job)).text
        await self.post(desk, f"{job}/retry", **SAID)
        assert await audited(floor, "retry_dispatch") == await audited(floor, "bulk_retry") == [WHY]
