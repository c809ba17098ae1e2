"""Corrections of leads: what they change here, what they tell the others, and what they never do."""

import json
import re
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.database import Database
from chassis.ids import new_id
from chassis.outbox import unpack_headers
from contracts.identity import Capability
from contracts.values import CreditReason
from services.intake.domain import LeadAction, LeadStatus, Obstacle, obstacle_to_lead
from services.intake.domain.corrections import Correctable, Given, changes_between, corrected_by, effects_of
from tests.intake.desk import Desk, faults
from tests.intake.reception import Reception
from tests.intake.samples import NOW, rows
from tests.intake.telling import tell_all
from tests.intake.test_pages import page, send
from tests.intake.test_search import found
from tests.kit.databases import RolledBackDatabase
from tests.kit.sealed import unsealed

GIVEN = Given(new_id(), "Bright Roofs", has_it=True, is_charged=True)
ENDED = Given(new_id(), "Sunny Side Solar", has_it=False, is_charged=False)


class TestDomain:
    def test_only_what_is_other_is_corrected_and_the_place_is_one(self) -> None:
        before = {"name": "Mia", "suburb": "Newtown", "postcode": "2042"}
        changes = changes_between(before, {"name": "Mia", "suburb": "Marrickville", "postcode": "2204"})
        assert changes == {"suburb": "Marrickville", "postcode": "2204"}
        assert corrected_by(changes) == (Correctable.PLACE,)

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ([Correctable.NAME, Correctable.STREET], None),
            ([Correctable.PHONE], CreditReason.INVALID_CONTACT),
            ([Correctable.EMAIL, Correctable.PLACE], CreditReason.POSTCODE_MISMATCH),
            ([Correctable.SERVICE], None),
        ],
    )
    def test_a_charged_delivery_may_be_credited_for_what_made_it_worthless(
        self, fields: list[Correctable], reason: CreditReason | None
    ) -> None:
        creditable = effects_of(fields, [GIVEN, ENDED]).creditable
        assert creditable == (((GIVEN, reason),) if reason else ())

    def test_dispatch_goes_by_it_while_nobody_has_the_lead(self) -> None:
        assert effects_of([Correctable.PLACE], [ENDED]).changes_dispatch
        assert not effects_of([Correctable.PLACE], [GIVEN]).changes_dispatch
        assert not effects_of([Correctable.PHONE], []).changes_dispatch
        assert effects_of([Correctable.PHONE], [GIVEN, ENDED]).told == ("Bright Roofs",)

    def test_what_is_only_taken_in_or_was_rejected_is_not_corrected(self) -> None:
        refused = {status for status in LeadStatus if obstacle_to_lead(LeadAction.CORRECT, status)}
        assert refused == {LeadStatus.RECEIVED, LeadStatus.REJECTED}
        assert obstacle_to_lead(LeadAction.CORRECT, LeadStatus.REJECTED) is Obstacle.REJECTED


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def correct(http: Desk, lead_id: UUID, **changed: Any) -> Any:
    body = {"reason_code": "person_told", **changed}
    return await http.ask("POST", f"/admin/leads/{lead_id}/corrections", json=body)


async def told(database: Database) -> list[dict[str, Any]]:
    """The corrections that went out."""
    events = await rows(database, "SELECT headers, body FROM outbox WHERE topic = 'intake.leads' ORDER BY id")
    headed = [(dict(unpack_headers(event["headers"])), json.loads(event["body"])) for event in events]
    return [body for headers, body in headed if headers["ce_type"] == b"lead.corrected"]


class TestCorrectLead:
    async def test_is_kept_told_found_and_audited_without_its_values(self, http: Desk, reception: Reception) -> None:
        _, key = await reception.source()
        lead_id = await reception.lead(key)
        answer = await correct(http, lead_id, phone="0499 111 222", suburb="Newtown", postcode="2042", reason="rang")
        assert answer.status_code == 200, answer.text
        assert (answer.json()["suburb"], answer.json()["postcode"]) == ("Newtown", "2042")
        (kept,) = await rows(reception.database, "SELECT * FROM lead_corrections")
        assert kept["fields"] == ["phone", "place"]
        assert kept["before"] == {"phone": "+61412345678", "suburb": "Marrickville", "postcode": "2204"}
        assert kept["after"] == {"phone": "+61499111222", "suburb": "Newtown", "postcode": "2042"}
        assert (kept["made_at"], kept["reason_code"], kept["note"], kept["is_told"]) == (
            NOW,
            "person_told",
            "rang",
            True,
        )
        (event,) = await told(reception.database)
        (seal,) = await rows(reception.database, "SELECT key FROM lead_keys")
        assert unsealed(event["sealed_contact"], lead_id, seal["key"]).phone == "+61499111222"
        assert "contact" not in event
        assert event["location"] == {"suburb": "Newtown", "state": "NSW", "postcode": "2042"}
        assert "service" not in event
        assert await found(reception.database, "newtown 0499 111 222") == {lead_id}
        assert await found(reception.database, "marrickville") == set()
        (entry,) = await rows(
            reception.database, "SELECT before, after FROM audit_entries WHERE action = 'correct_lead'"
        )
        assert entry["after"]["fields"] == ["phone", "place"]
        assert "0499" not in str(entry)

    async def test_of_nothing_is_none(self, http: Desk, reception: Reception) -> None:
        _, key = await reception.source()
        lead_id = await reception.lead(key)
        assert (await correct(http, lead_id, name="Mia  O'Brien")).status_code == 200
        assert (await correct(http, lead_id)).status_code == 200
        assert await rows(reception.database, "SELECT * FROM lead_corrections") == []
        assert await told(reception.database) == []

    async def test_follows_the_rules_of_a_submission(self, http: Desk, reception: Reception) -> None:
        _, key = await reception.source()
        lead_id = await reception.lead(key)
        wrong = await correct(http, lead_id, phone="12", email="no", service="Solar & wind")
        assert faults(wrong).keys() == {"phone", "email", "service"}
        assert faults(await correct(http, lead_id, state="WA", postcode="2204")) == {
            "postcode": "postcode_state_mismatch"
        }
        answer = await correct(http, lead_id, postcode="6160")
        assert (answer.status_code, faults(answer)) == (422, {"postcode": "postcode_state_mismatch"})
        assert await rows(reception.database, "SELECT * FROM lead_corrections") == []

    async def test_a_repeated_submission_is_still_the_same_one(self, http: Desk, reception: Reception) -> None:
        api_key = await http.new_source()
        first = await http.submit(api_key)
        async with reception.database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE leads SET status = 'routable', version = 1")
        assert (await correct(http, UUID(first.json()["id"]), phone="0499 111 222")).status_code == 200
        again = await http.submit(api_key)
        assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])

    async def test_one_that_is_held_is_corrected_without_a_word_to_the_others(
        self, http: Desk, reception: Reception
    ) -> None:
        _, key = await reception.source()
        lead_id = await reception.lead(key)
        async with reception.database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE leads SET status = 'duplicate_review', version = 0")
        assert (await correct(http, lead_id, name="Mia Chen")).status_code == 200
        assert await told(reception.database) == []
        (kept,) = await rows(reception.database, "SELECT is_told FROM lead_corrections")
        assert kept["is_told"] is False

    async def test_is_refused_of_what_was_rejected(self, http: Desk, reception: Reception) -> None:
        _, key = await reception.source()
        lead_id = await reception.lead(key)
        async with reception.database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("UPDATE leads SET status = 'rejected', reject_reason = 'other'")
        answer = await correct(http, lead_id, name="Mia Chen")
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "lead_not_correctable")


class TestThePage:
    FORM = (
        "name=Mia O'Brien&email=mia.obrien@example.test&phone=+61412345678&street=12 Cadogan Street&suburb=Marrickville"
        "&state=NSW&postcode=2204&service=solar-battery"
    )

    def form(self, **changed: str) -> dict[str, Any]:
        kept = dict(pair.split("=", 1) for pair in self.FORM.split("&"))
        return {**kept, "reason_code": "typed_wrong", **changed}

    async def test_says_what_a_correction_does_before_it_is_made(self, http: Desk, reception: Reception) -> None:
        _, key = await reception.source()
        lead_id = await reception.lead(key)
        path = f"/console/leads/{lead_id}"
        assert "Nobody has it: dispatch goes by the place" in await page(http, path)
        await tell_all(reception.database, lead_id)
        shown = await page(http, path)
        assert "Bright Roofs will be told by mail what changed" in shown
        assert "What Bright Roofs paid stays charged" in shown

    async def test_shows_what_was_corrected_and_refuses_a_page_that_is_old(
        self, http: Desk, reception: Reception
    ) -> None:
        _, key = await reception.source()
        lead_id = await reception.lead(key)
        path = f"/console/leads/{lead_id}"
        seen = re.search(r'name="seen" value="([^"]*)"', await page(http, path))
        assert seen is not None
        form = self.form(phone="0499 111 222", reason="a digit was wrong", seen=seen[1])
        answer = await send(http, f"{path}/correct", **form)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done=correct"), answer.text
        shown = await page(http, path)
        for part in (
            "corrected the lead",
            "<del>+61412345678</del>",
            "<ins>+61499111222</ins>",
            "Typed wrong: a digit was wrong",
        ):
            assert part in shown, part
        old = await send(http, f"{path}/correct", **self.form(name="Somebody Else", seen=seen[1]))
        assert (old.status_code, "changed it meanwhile" in old.text) == (409, True)

    async def test_is_for_who_may_write(self, http: Desk, reception: Reception) -> None:
        _, key = await reception.source()
        path = f"/console/leads/{await reception.lead(key)}/correct"
        reader = http.identity.token([Capability.READ_OPS])
        assert (await send(http, path, token=reader, **self.form())).status_code == 403
