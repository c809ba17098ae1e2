"""Erasing persons over HTTP and by forms."""

from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.identity import Role
from tests.intake.desk import Desk
from tests.intake.reception import Reception
from tests.intake.rooms import done, page, post
from tests.intake.samples import CONTENT, rows
from tests.intake.telling import take, told
from tests.kit.databases import RolledBackDatabase


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def a_lead(reception: Reception, **content: Any) -> UUID:
    _, key = await reception.source(f"Source {new_id()}")
    return await reception.lead(key, **content)


def body(*lead_ids: UUID, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "lead_ids": [str(id_) for id_ in lead_ids],
        "asked_via": "person",
        "reason_code": "consent_withdrawn",
        "note": "Asked by telephone, called back on the number",
        **changes,
    }


class TestErasures:
    async def test_finds_who_is_to_be_erased_with_who_has_had_them(self, http: Desk, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        await a_lead(reception, name="Noah Vella", email="noah@vella.example", phone="+61499000111")
        at = reception.clock.now()
        await take(
            reception.database,
            told("assignment.created", 1, lead_id=lead_id, installer_name="Bright Roofs"),
            told("assignment.sent", 2, lead_id=lead_id, sent_at=at),
        )
        (found,) = await http.get("/admin/erasures/search", q="0412 345 678")
        assert (found["id"], found["name"], found["given_to"]) == (str(lead_id), CONTENT.name, ["Bright Roofs"])

    async def test_erases_tells_what_it_did_and_is_found_again(self, http: Desk, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        answer = await http.ask("POST", "/admin/erasures", json=body(lead_id))
        assert answer.status_code == 200, answer.text
        assert answer.json()["counts"]["leads"] == 1
        again = await http.ask("POST", "/admin/erasures", json=body(lead_id))
        assert again.json()["id"] == answer.json()["id"]
        listed = await http.get("/admin/erasures")
        assert [item["id"] for item in listed["items"]] == [answer.json()["id"]]
        assert (await http.get(f"/admin/erasures/{answer.json()['id']}"))["lead_ids"] == [str(lead_id)]
        assert await http.get("/admin/erasures/search", q=CONTENT.email) == []
        lead = await http.get(f"/admin/leads/{lead_id}")
        assert (lead["name"], lead["email"], lead["close_reason"], lead["available_actions"]) == ("", "", "erased", [])

    async def test_needs_the_right_and_a_fresh_second_factor(self, http: Desk, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        stale = http.identity.stale_headers(Role.ADMIN)
        answer = await http.client.post("/admin/erasures", json=body(lead_id), headers=stale)
        assert answer.status_code == 403, answer.text
        assert (await rows(reception.database, "SELECT name FROM leads"))[0]["name"] == CONTENT.name

    async def test_refuses_a_note_with_the_name(self, http: Desk, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        answer = await http.ask("POST", "/admin/erasures", json=body(lead_id, note=f"{CONTENT.name} rang"))
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "names_the_person"
        assert CONTENT.name not in answer.text

    async def test_no_operator_closes_a_lead_as_erased(self, http: Desk, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        answer = await http.ask("POST", f"/admin/leads/{lead_id}/close", json={"reason_code": "erased"})
        assert answer.status_code == 422


class TestPages:
    async def test_lead_from_the_search_to_the_erased_person(self, http: Desk, reception: Reception) -> None:
        lead_id = await a_lead(reception)
        other = await a_lead(reception, street="14 Cadogan Street")
        found = await page(http, "/console/erasures/new?q=obrien")
        assert f'value="{lead_id}"' in found
        assert f'value="{other}"' in found
        asked = await page(http, f"/console/erasures/new/confirm?lead={lead_id}&lead={other}")
        assert "2 leads will say nothing of the person" in asked
        fields = {k: v for k, v in body().items() if k != "lead_ids"} | {"lead_ids": [str(lead_id), str(other)]}
        refused = await post(http, "/console/erasures", **fields, word="erase")
        assert refused.status_code == 422
        shown = await done(http, "/console/erasures", **fields, word="ERASE")
        assert "Erased person, 2 leads" in shown
        lead = await page(http, f"/console/leads/{lead_id}")
        assert "Its person was erased" in lead
        assert "Correct lead</strong>: its person was erased" in lead
        assert CONTENT.email not in lead
        assert "Erased person" in await page(http, "/console/leads")
        assert "Asked by telephone" in await page(http, "/console/erasures")

    async def test_nothing_is_confirmed_of_nobody(self, http: Desk) -> None:
        assert "Name, e-mail, phone or street" in await page(http, "/console/erasures/new")
        assert "Nobody is found by that" in await page(http, "/console/erasures/new?q=nobody+at+all")
