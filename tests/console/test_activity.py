"""What was done in a service, as its operators read it: in the room, in its CSV, and over HTTP."""

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from chassis.audit import SYSTEM, Change, Subject, record, record_all
from chassis.console.timeline import MOST
from chassis.ids import new_id
from chassis.telemetry.context import RequestContext, answering
from contracts.identity import Role
from tests.console.crates import PATH, House
from tests.kit.identity import CSRF

ROOM = "/console/desk/identity/activity"
ROUTE = "/admin/activity"
CRATE = Subject("crate", "0199a000-0000-7000-8000-0000000000c1")


@dataclass(frozen=True)
class Named:
    id: UUID
    name: str


ROBIN = Named(UUID("0199a000-0000-7000-8000-0000000000f1"), "Robin Field")


async def deed(house: House, action: str, subject: Subject = CRATE, **told: Any) -> UUID:
    given = {"actor": ROBIN, "before": {"worth_cents": 1_000}, "after": {"worth_cents": 2_500}, **told}
    async with house.database.transaction() as session:
        return await record(session, action=action, subject=subject, **given)


OPTION = re.compile(r'<option value="([^"]*)"[^>]*>([^<]*)</option>')


async def ask(house: House, path: str = ROUTE, **query: str) -> httpx.Response:
    headers = house.identity.headers(Role.EDITOR)
    return await house.client.get(path, params=query, headers=headers)


class TestTheRoom:
    async def test_shows_before_and_after_to_who_asks_for_them(self, house: House) -> None:
        await deed(house, "set_worth")
        assert "worth_cents" not in (await house.get(path=ROOM)).text
        text = (await house.get("columns=before&columns=after", path=ROOM)).text
        assert text.index("{&quot;worth_cents&quot;: 1000}") < text.index("{&quot;worth_cents&quot;: 2500}")

    async def test_leaves_with_what_every_deed_changed(self, house: House) -> None:
        await deed(house, "set_worth", reason_code="=worn")
        await deed(house, "pack", before=None, after={"place": "Shelf, 3"})
        fields = {"csrf": CSRF, "query": f"subject=crate&q={CRATE.id}"}
        headers = {"Accept": "text/html", **house.cookies}
        answer = await house.client.post(f"{ROOM}/export", data=fields, headers=headers)
        packed, worth = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
        assert (packed["action"], packed["before"], json.loads(packed["after"])) == ("pack", "", {"place": "Shelf, 3"})
        assert [json.loads(worth[name])["worth_cents"] for name in ("before", "after")] == [1_000, 2_500]
        assert worth["reason"] == "'=worn"
        (entry,) = (await ask(house, action="export_list")).json()["items"]
        assert entry["after"]["filters"] == {"q": "searched", "subject": ["crate"]}

    async def test_an_entry_tells_its_own_changes_however_much_was_done_since(self, house: House) -> None:
        first = await deed(house, "set_worth", after={"worth_cents": 98_700, "at": "2026-03-03T02:15:00Z"})
        async with house.database.transaction() as session:
            await record_all(session, [Change(CRATE)] * MOST, actor=SYSTEM, action="look_at")
        text = (await house.get(path=f"{ROOM}/{first}")).text
        assert "What it changed" in text
        assert text.index("$10.00") < text.index("$987.00")
        assert "set worth" not in text.partition('<aside class="side"')[2]

    async def test_leads_to_what_was_changed(self, house: House) -> None:
        entry = await deed(house, "set_worth")
        for kind in ("nail", "hammer"):
            await deed(house, "lose", Subject(kind, "7"))
        text = (await house.get(path=ROOM)).text
        assert f'<a href="{PATH}/{CRATE.id}">Crate 000000c1</a>' in text
        assert "<td>Nail 7</td>" in text
        assert "<td>Hammer 7</td>" in text
        text = (await house.get(path=f"{ROOM}/{entry}")).text
        assert f'<a href="{PATH}/{CRATE.id}">Crate {CRATE.id}</a>' in text
        assert f'<a href="{ROOM}?subject=crate&amp;q={CRATE.id}">Every deed</a>' in text

    async def test_leads_to_the_list_of_which_a_view_was_saved(self, house: House) -> None:
        await house.post("views", query="status=packed", name="Packed")
        assert f'<a href="{PATH}">List crates</a>' in (await house.get(path=ROOM)).text

    async def test_is_narrowed_to_one_of_those_who_ever_did_something(self, house: House) -> None:
        kim = Named(new_id(), "Kim <Reed>")
        await deed(house, "set_worth")
        await deed(house, "pack", actor=kim)
        await deed(house, "sweep", actor=SYSTEM)
        text = (await house.get(path=ROOM)).text
        offered = OPTION.findall(text.partition('id="q-actor"')[2].partition("</select>")[0])
        assert offered == [("", "Anybody"), (str(kim.id), "Kim &lt;Reed&gt;"), (str(ROBIN.id), "Robin Field")]
        text = (await house.get(f"actor={kim.id}", path=ROOM)).text
        assert f'<option value="{kim.id}" selected>' in text
        assert "Remove the filter Who: Kim &lt;Reed&gt;" in text
        assert [action in text for action in (">Pack<", ">Set worth<", ">Sweep<")] == [True, False, False]

    async def test_keeps_who_is_asked_for_though_they_did_nothing(self, house: House) -> None:
        stranger = new_id()
        text = (await house.get(f"actor={stranger}", path=ROOM)).text
        assert f'<option value="{stranger}" selected>{str(stranger)[-8:]}</option>' in text


class TestOverHttp:
    async def test_tells_who_did_what_to_what_and_why_the_newest_first(self, house: House) -> None:
        with answering(RequestContext("request-1", "request-1")):
            first = await deed(house, "set_worth", reason_code="worn", reason_text="It fell")
        await deed(house, "pack", Subject("crate", new_id()))
        items = (await ask(house)).json()["items"]
        assert [item["action"] for item in items] == ["pack", "set_worth"]
        told = items[1]
        assert (told["id"], told["actor_id"], told["actor_name"]) == (str(first), str(ROBIN.id), "Robin Field")
        assert (told["subject_kind"], told["subject_id"]) == ("crate", CRATE.id)
        assert (told["before"], told["after"]) == ({"worth_cents": 1_000}, {"worth_cents": 2_500})
        assert (told["reason_code"], told["reason_text"], told["request_id"]) == ("worn", "It fell", "request-1")
        assert (await ask(house, f"{ROUTE}/{first}")).json() == told

    async def test_is_narrowed_and_paged(self, house: House) -> None:
        ids = [str(await deed(house, f"deed_{number}")) for number in range(3)]
        other = await deed(house, "pack", Subject("box", "7"), before=None)
        at = (await ask(house, f"{ROUTE}/{other}")).json()["occurred_at"]
        for query, wanted in (
            ({"subject_kind": "box", "subject_id": "7"}, [str(other)]),
            ({"actor_id": str(ROBIN.id), "occurred_to": at}, ids[::-1]),
            ({"q": "robin", "occurred_from": at}, [str(other)]),
            ({"action": "deed_1"}, ids[1:2]),
        ):
            assert [item["id"] for item in (await ask(house, **query)).json()["items"]] == wanted
        first = (await ask(house, subject_kind="crate", limit="2")).json()
        rest = (await ask(house, subject_kind="crate", limit="2", cursor=first["next"])).json()
        assert ([item["id"] for item in first["items"] + rest["items"]], rest["next"]) == (ids[::-1], None)

    async def test_of_what_was_never_done_is_not_found(self, house: House) -> None:
        answer = await ask(house, f"{ROUTE}/{new_id()}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:waybill:problem:not_found")

    async def test_is_for_operators_alone(self, house: House) -> None:
        assert (await house.client.get(ROUTE)).status_code == 401
