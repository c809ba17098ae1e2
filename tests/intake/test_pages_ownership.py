"""Who has what, as the list and the page of leads tell it, and as their forms change it."""

from uuid import UUID

import pytest

from chassis.clock import FixedClock
from contracts.identity import Role
from services.intake.domain import CloseReason
from tests.intake.desk import Desk, faults
from tests.intake.reception import Reception
from tests.intake.rooms import done, named, page, post, seen_on
from tests.intake.samples import OPERATOR, rows
from tests.kit.databases import RolledBackDatabase

LEADS = "/console/leads"


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def leads(reception: Reception, *names: str) -> list[UUID]:
    _, quotes = await reception.source()
    return [await reception.lead(quotes, name=name) for name in names]


class TestTheList:
    async def test_mine_means_whoever_looks(self, http: Desk, reception: Reception) -> None:
        mia, tom, _ = await leads(reception, "Mia Chen", "Tom Reid", "Zoe Ng")
        kim = await reception.operator("Kim Reed")
        await reception.give(mia, OPERATOR)
        await reception.give(tom, kim)
        assert await named(http, f"{LEADS}?owner=mine") == ["Mia Chen"]
        assert await named(http, f"{LEADS}?owner=mine", kim) == ["Tom Reid"]
        assert await named(http, f"{LEADS}?owner=unowned") == ["Zoe Ng"]
        assert await named(http, f"{LEADS}?owner_id={kim.id}") == ["Tom Reid"]
        assert "Kim Reed" in await page(http, f"{LEADS}?owner_id={kim.id}")

    async def test_a_colleagues_can_be_chosen_and_those_of_who_left_stay_chosen(
        self, http: Desk, reception: Reception
    ) -> None:
        _, quotes = await reception.source()
        mia, tom = [await reception.lead(quotes, name=name) for name in ("Mia Chen", "Tom Reid")]
        kim, lee = await reception.operator("Kim Reed"), await reception.operator("Lee <Wong>")
        await reception.operator("Ada Gone", is_active=False)
        await reception.give(mia, kim)
        await reception.give(tom, lee)
        await reception.follow_up(mia, kim)
        for room in ("/console/leads", "/console/follow-ups"):
            told = await page(http, room)
            assert f'<option value="{kim.id}">Kim Reed</option>' in told
            assert f'<option value="{lee.id}">Lee &lt;Wong&gt;</option>' in told
            assert "Ada Gone" not in told
            assert await named(http, f"{room}?owner_id={kim.id}") == ["Mia Chen"]
            assert f'<option value="{kim.id}" selected>' in await page(http, f"{room}?owner_id={kim.id}")
        await reception.leaves(lee)
        assert "Lee &lt;Wong&gt;</option>" not in await page(http, "/console/follow-ups")
        gone = await page(http, f"/console/leads?owner_id={lee.id}")
        assert f'<option value="{lee.id}" selected>Lee &lt;Wong&gt;</option>' in gone

    async def test_what_is_over_waits_for_no_owner(self, http: Desk, reception: Reception) -> None:
        mia, _ = await leads(reception, "Mia Chen", "Tom Reid")
        await reception.close(mia, CloseReason.WITHDRAWN)
        assert await named(http, f"{LEADS}?owner=unowned") == ["Tom Reid"]

    async def test_many_are_given_to_one_after_a_look_at_what_would_change(
        self, http: Desk, reception: Reception
    ) -> None:
        mia, tom, zoe = await leads(reception, "Mia Chen", "Tom Reid", "Zoe Ng")
        kim, ash = await reception.operator("Kim Reed"), await reception.operator("Ash Moran")
        await reception.give(tom, ash)
        await reception.close(zoe, CloseReason.WITHDRAWN)
        begun = await post(http, f"{LEADS}/bulk", action="assign", ids=[str(mia), str(tom), str(zoe)])
        job = begun.headers["location"]
        chosen = await page(http, job)
        assert "Kim Reed" in chosen
        assert "It is closed" in chosen
        without_note = await done(http, f"{job}/assign/preview", owner_id=str(kim.id))
        assert "a hand-over needs a note" in without_note
        with_note = await done(http, f"{job}/assign/preview", owner_id=str(kim.id), note="While Ash is away")
        assert "Ash Moran → Kim Reed" in with_note
        sight = with_note.split('name="sight" value="')[1].split('"')[0]
        await done(http, f"{job}/assign", sight=sight)
        owned = await rows(reception.database, "SELECT name, owner_name FROM leads ORDER BY name")
        assert [(row["name"], row["owner_name"]) for row in owned] == [
            ("Mia Chen", "Kim Reed"),
            ("Tom Reid", "Kim Reed"),
            ("Zoe Ng", None),
        ]

    async def test_many_are_taken_of_those_that_nobody_has(self, http: Desk, reception: Reception) -> None:
        mia, tom = await leads(reception, "Mia Chen", "Tom Reid")
        await reception.give(tom, await reception.operator("Ash Moran"))
        begun = await post(http, f"{LEADS}/bulk", action="take", ids=[str(mia), str(tom)])
        assert "It has an owner" in await page(http, begun.headers["location"])
        await done(http, f"{begun.headers['location']}/take")
        owned = await rows(reception.database, "SELECT owner_name FROM leads ORDER BY name")
        assert [row["owner_name"] for row in owned] == ["Robin Field", "Ash Moran"]


class TestTheLead:
    async def test_is_taken_handed_over_and_unassigned_on_its_page(self, http: Desk, reception: Reception) -> None:
        (mia,) = await leads(reception, "Mia Chen")
        kim = await reception.operator("Kim Reed")
        first = await page(http, f"{LEADS}/{mia}")
        assert "nobody has it" in first
        taken = await done(http, f"{LEADS}/{mia}/take", seen=seen_on(first))
        assert "Taken: it is yours" in taken
        handed = await done(
            http, f"{LEADS}/{mia}/hand-over", owner_id=str(kim.id), note="Call after <six>", seen=seen_on(taken)
        )
        assert "Kim Reed has it now" in handed
        assert "Call after &lt;six&gt;" in handed
        free = await done(http, f"{LEADS}/{mia}/unassign", seen=seen_on(handed))
        assert "Unassigned: nobody has it" in free
        assert free.count("the lead over") == 1

    async def test_is_refused_who_decides_on_what_is_not_there_any_more(self, http: Desk, reception: Reception) -> None:
        (mia,) = await leads(reception, "Mia Chen")
        seen = seen_on(await page(http, f"{LEADS}/{mia}"))
        await reception.give(mia, await reception.operator("Kim Reed"))
        late = await post(http, f"{LEADS}/{mia}/take", seen=seen)
        assert late.status_code == 409
        assert "changed it meanwhile" in late.text


class TestOverHttp:
    async def test_is_narrowed_to_ones_own_to_anothers_and_to_nobodys(self, http: Desk, reception: Reception) -> None:
        _, quotes = await reception.source()
        mia, tom, zoe, over = [await reception.lead(quotes, name=name) for name in ("Mia", "Tom", "Zoe", "Over")]
        kim = await reception.operator("Kim Reed")
        await reception.give(mia, OPERATOR)
        await reception.give(tom, kim)
        await reception.close(over, CloseReason.INVALID_LEAD)
        headers = http.identity.headers(Role.EDITOR, operator_id=OPERATOR.id)
        for query, wanted in (
            ("owner=mine", {mia}),
            (f"owner_id={kim.id}", {tom}),
            ("owner=unowned", {zoe}),
            (f"owner=mine&owner_id={kim.id}", set()),
        ):
            answer = await http.client.get(f"/admin/leads?{query}", headers=headers)
            assert {row["id"] for row in answer.json()["items"]} == {str(each) for each in wanted}, query

    async def test_a_lead_is_given_and_taken_off(self, http: Desk, reception: Reception) -> None:
        (mia,) = await leads(reception, "Mia Chen")
        kim = await reception.operator("Kim Reed")
        given = await http.ask("POST", f"/admin/leads/{mia}/owner", Role.EDITOR, json={"owner_id": str(kim.id)})
        assert (given.status_code, given.json()["owner_name"]) == (200, "Kim Reed")
        assert given.json()["available_actions"] == ["close", "correct", "merge", "hand_over", "unassign"]
        bare = await http.ask("POST", f"/admin/leads/{mia}/owner", json={"owner_id": str(OPERATOR.id)})
        assert bare.json()["type"].rsplit(":", 1)[1] == "note_needed"
        free = await http.ask("POST", f"/admin/leads/{mia}/owner", json={})
        assert free.json()["owner_id"] is None

    async def test_nobody_unknown_is_given_anything(self, http: Desk, reception: Reception) -> None:
        (mia,) = await leads(reception, "Mia Chen")
        answer = await http.ask("POST", f"/admin/leads/{mia}/owner", json={"owner_id": str(OPERATOR.id)})
        assert (answer.status_code, faults(answer)) == (422, {"owner_id": "operator_unknown"})
