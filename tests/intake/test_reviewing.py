"""What an operator says of leads that may be one: released, rejected, told apart; and the thresholds they set."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import decode_body
from contracts.intake import LeadCreated
from services.intake.commands.reviewing import (
    DismissPair,
    RejectLead,
    ReleaseLead,
    dismiss_pair,
    reject_lead,
    release_lead,
)
from services.intake.domain import LeadAction, LeadStatus, Obstacle, obstacle_to_lead
from services.intake.domain.duplicates import DismissReason, RejectReason
from services.intake.errors import LeadNotHeld
from tests.intake.couples import Couples
from tests.intake.desk import Desk, faults
from tests.intake.samples import CONTENT, NOW, OPERATOR, rows, someone
from tests.kit.databases import RolledBackDatabase

TWIN = replace(CONTENT, street="12 Cadogan St")
LATER = NOW + timedelta(hours=1)


async def release(couples: Couples, lead_id: UUID, reason: DismissReason = DismissReason.TWO_PEOPLE) -> None:
    async with couples.database.transaction() as session:
        await release_lead(session, ReleaseLead(lead_id, reason, "Two brothers", OPERATOR, LATER))


async def dismiss(couples: Couples, one: UUID, other: UUID) -> None:
    async with couples.database.transaction() as session:
        await dismiss_pair(session, DismissPair(one, other, DismissReason.TWO_REQUESTS, None, OPERATOR, LATER))


async def reject(couples: Couples, lead_id: UUID, reason: RejectReason = RejectReason.DUPLICATE) -> None:
    async with couples.database.transaction() as session:
        await reject_lead(session, RejectLead(lead_id, reason, None, OPERATOR, LATER))


class TestWhatCanBeDone:
    @pytest.mark.parametrize("action", [LeadAction.RELEASE, LeadAction.REJECT])
    def test_with_what_is_held_and_nothing_else(self, action: LeadAction) -> None:
        possible = [status for status in LeadStatus if obstacle_to_lead(action, status) is None]
        assert possible == [LeadStatus.DUPLICATE_REVIEW]

    def test_with_a_tombstone_is_to_take_it_apart(self) -> None:
        possible = [a for a in LeadAction if obstacle_to_lead(a, LeadStatus.CLOSED, is_merged=True) is None]
        assert possible == [LeadAction.UNMERGE]
        assert obstacle_to_lead(LeadAction.CORRECT, LeadStatus.CLOSED, is_merged=True) is Obstacle.MERGED


class TestReleaseLead:
    async def test_tells_the_others_of_it_and_of_its_person(
        self, couples: Couples, database: RolledBackDatabase
    ) -> None:
        first, second = await couples.leads(CONTENT, TWIN)
        await release(couples, second)
        assert await couples.status(second) == "routable"
        assert await couples.events() == [("lead.created", first), ("lead.created", second)]
        (event,) = await rows(database, "SELECT body FROM outbox WHERE topic = 'intake.leads' ORDER BY id DESC LIMIT 1")
        assert decode_body(LeadCreated, event["body"]).same_person_lead_ids == (first,)
        (pair,) = await couples.pairs()
        assert pair["state"] == "dismissed"
        (step,) = await rows(
            database, "SELECT * FROM lead_status_changes WHERE from_status = 'duplicate_review' ORDER BY id"
        )
        assert (step["to_status"], step["changed_at"], step["actor_name"]) == ("routable", LATER, "Robin Field")
        (entry,) = await rows(database, "SELECT * FROM audit_entries WHERE action = 'release_lead'")
        assert (entry["subject_id"], entry["reason_code"], entry["reason_text"]) == (
            str(second),
            "two_people",
            "Two brothers",
        )
        assert "Mia" not in str([entry["before"], entry["after"]])

    async def test_twice_is_once(self, couples: Couples) -> None:
        _, second = await couples.leads(CONTENT, TWIN)
        await release(couples, second)
        await release(couples, second)
        assert len(await couples.events()) == 2

    async def test_refuses_what_is_not_held(self, couples: Couples) -> None:
        lead_id = await couples.lead()
        with pytest.raises(LeadNotHeld, match="it is not held"):
            await release(couples, lead_id)


class TestDismissPair:
    async def test_lets_go_once_nothing_holds_it(self, couples: Couples) -> None:
        first, second, third = await couples.leads(CONTENT, TWIN, replace(TWIN, name="Mia OBrien"))
        await dismiss(couples, first, third)
        assert await couples.status(third) == "duplicate_review"
        await dismiss(couples, third, second)
        assert await couples.status(third) == "routable"
        assert await couples.status(second) == "duplicate_review"
        await dismiss(couples, third, second)
        assert [key for _, key in await couples.events()] == [first, third]

    async def test_of_what_went_on_changes_no_lead(self, couples: Couples, database: RolledBackDatabase) -> None:
        first, second = await couples.leads(
            CONTENT, replace(CONTENT, email="mia@else.example", phone="+61400000001", street="12 Cadogn St")
        )
        await dismiss(couples, first, second)
        (pair,) = await couples.pairs()
        assert pair["state"] == "dismissed"
        (entry,) = await rows(database, "SELECT before, after FROM audit_entries WHERE action = 'dismiss_pair'")
        assert (entry["before"], entry["after"]["pair"]) == ({"pair": "open"}, "dismissed")


class TestRejectLead:
    async def test_ends_it_and_says_so(self, couples: Couples, database: RolledBackDatabase) -> None:
        first, second = await couples.leads(CONTENT, TWIN)
        await reject(couples, second)
        await reject(couples, second, RejectReason.OTHER)
        assert await couples.events() == [("lead.created", first), ("lead.rejected", second)]
        (row,) = await rows(database, "SELECT status, reject_reason, version FROM leads WHERE id = :id", id=second)
        assert row == {"status": "rejected", "reject_reason": "duplicate", "version": 1}

    async def test_refuses_what_was_let_in(self, couples: Couples) -> None:
        lead_id = await couples.lead()
        with pytest.raises(LeadNotHeld):
            await reject(couples, lead_id)


SETTINGS = {
    "is_on": True,
    "hold_from": 80,
    "review_from": 45,
    "reject_from": None,
    "look_back_days": 30,
    "scope": "same_service",
}


class TestOverHttp:
    async def test_pairs_are_listed_shown_and_dismissed(self, http: Desk, couples: Couples) -> None:
        first, second = await couples.leads(CONTENT, TWIN)
        await couples.lead(someone(3))
        (row,) = (await http.get("/admin/duplicates", held=True, state="open"))["items"]
        assert (row["lead_id"], row["other_id"], row["score"]) == (str(second), str(first), 100)
        assert (await http.get("/admin/duplicates", held=False))["items"] == []
        assert (await http.get("/admin/duplicates", lead_id=str(first), score_from=90))["items"] == [row]
        told = await http.get(f"/admin/duplicates/{first}/{second}")
        assert (told["lead"]["street"], told["other"]["street"]) == ("12 Cadogan St", "12 Cadogan Street")
        assert "release" in told["lead"]["available_actions"]
        path = f"/admin/duplicates/{first}/{second}/dismiss"
        answer = await http.ask("POST", path, json={"reason_code": "two_people", "reason": "Two brothers"})
        assert (answer.status_code, answer.json()["state"]) == (200, "dismissed")
        assert await couples.status(second) == "routable"

    async def test_a_held_lead_is_released_or_rejected(self, http: Desk, couples: Couples) -> None:
        _, second, third = await couples.leads(CONTENT, TWIN, TWIN)
        released = await http.ask("POST", f"/admin/leads/{second}/release", json={"reason_code": "two_requests"})
        assert (released.status_code, released.json()["status"]) == (200, "routable")
        gone = await http.ask("POST", f"/admin/leads/{third}/reject", json={"reason_code": "test_lead"})
        assert (gone.json()["status"], gone.json()["reject_reason"]) == ("rejected", "test_lead")
        again = await http.ask("POST", f"/admin/leads/{third}/release", json={"reason_code": "other"})
        assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "lead_not_held")

    async def test_what_is_no_pair_is_not_found(self, http: Desk, couples: Couples) -> None:
        first, second = await couples.leads(CONTENT, someone(2))
        answer = await http.ask("GET", f"/admin/duplicates/{first}/{second}")
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "pair_not_found")


class TestSettings:
    async def test_are_tried_before_they_are_saved(self, http: Desk, couples: Couples) -> None:
        await couples.leads(CONTENT, TWIN, replace(CONTENT, email="mia@else.example", name="Noah Walker"), someone(9))
        path = "/admin/duplicate-settings/preview"
        tried = await http.ask("POST", path, json=SETTINGS | {"hold_from": 60})
        assert tried.status_code == 200, tried.text
        now, then = tried.json()["now"], tried.json()["then"]
        assert (now["held"], now["reviewed"], then["held"], then["reviewed"]) == (1, 1, 2, 0)
        off = (await http.ask("POST", path, json=SETTINGS | {"is_on": False})).json()["then"]
        assert set(off.values()) == {0}
        none = (await http.ask("POST", path, json=SETTINGS | {"reject_from": 95})).json()["then"]
        assert (none["rejected"], none["held"]) == (1, 0)

    async def test_a_preview_counts_what_the_settings_held(self, http: Desk, couples: Couples) -> None:
        """Over stored scores it says of each lead what the rule says of it."""
        ages = [timedelta(days=days) for days in (29, 20, 12, 3, 1)]
        services = ["solar-battery", "heat-pump"] * 3
        for age, service in zip(ages, services, strict=False):
            await couples.lead(replace(TWIN, service=service), at=NOW - age)
        held = await rows(couples.database, "SELECT 1 FROM leads WHERE status = 'duplicate_review'")
        now = (await http.ask("POST", "/admin/duplicate-settings/preview", json=SETTINGS)).json()["now"]
        assert now["held"] == len(held) == 3

    async def test_are_changed_with_a_reason(self, http: Desk, database: RolledBackDatabase) -> None:
        path = "/admin/duplicate-settings"
        assert {name: (await http.get(path))[name] for name in SETTINGS} == SETTINGS
        changed = await http.ask("PUT", path, json=SETTINGS | {"hold_from": 90, "reason": "Too many are held"})
        assert (changed.status_code, changed.json()["hold_from"], changed.json()["version"]) == (200, 90, 1)
        again = await http.ask("PUT", path, json=SETTINGS | {"hold_from": 90, "reason": "Once more"})
        assert again.json()["version"] == 1
        (entry,) = await rows(database, "SELECT * FROM audit_entries WHERE action = 'change_duplicate_settings'")
        assert (entry["before"]["hold_from"], entry["after"]["hold_from"]) == (80, 90)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"review_from": 85}, "hold_from"),
            ({"reject_from": 70}, "reject_from"),
            ({"review_from": 20}, "review_from"),
            ({"look_back_days": 366}, "look_back_days"),
        ],
    )
    async def test_that_cannot_be_are_refused(self, http: Desk, changes: dict[str, Any], field: str) -> None:
        body = SETTINGS | changes
        tried = await http.ask("POST", "/admin/duplicate-settings/preview", json=body)
        saved = await http.ask("PUT", "/admin/duplicate-settings", json=body | {"reason": "x"})
        assert tried.status_code == saved.status_code == 422
        assert field in faults(tried)
        assert field in faults(saved)
