"""Policies as people write and try them, and what a lead's page tells beforehand."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.identity import Role
from services.intake.commands.escalating import escalate
from services.intake.domain import CloseReason, LeadStatus
from tests.intake.desk import Desk, faults
from tests.intake.merges import merge
from tests.intake.reception import Reception
from tests.intake.rooms import done, named, page, post, seen_on
from tests.intake.samples import NOW, OPERATOR, rows
from tests.kit.databases import RolledBackDatabase

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ROOM = "/console/escalations"


@pytest.fixture
def reception(database: RolledBackDatabase, clock: FixedClock) -> Reception:
    return Reception(database, clock)


async def waiting(reception: Reception, *names: str, ago: timedelta = 3 * HOUR) -> list[UUID]:
    """Leads that have waited for an operator for so long."""
    _, quotes = await reception.source(f"Source {new_id().hex}")
    made = []
    for name in names:
        lead = await reception.lead(quotes, name=name, ago=ago + MINUTE)
        await reception.move(lead, LeadStatus.EXCEPTION, ago=ago, reason="no_eligible_installer")
        made.append(lead)
    return made


def form(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "name": "Exceptions nobody has",
        "subject": "lead",
        "ownership": "unowned",
        "statuses": ["exception"],
        "after": ["1", "2", "", "", ""],
        "unit": ["60", "60", "60", "60", "60"],
        "deed": ["nudge:team", "critical", "", "", ""],
        "hours": ["", "", "", "", ""],
        **changes,
    }


async def sent(http: Desk, path: str, fields: dict[str, Any], role: Role = Role.EDITOR) -> Any:
    return await post(http, path, OPERATOR, role, **fields)


class TestWriting:
    async def test_a_policy_is_tried_saved_turned_on_and_edited(self, http: Desk, reception: Reception) -> None:
        mia, _ = await waiting(reception, "Mia <Chen>", "Tom Reid")
        await reception.give((await waiting(reception, "Zoe Ng"))[0], OPERATOR)
        assert "Steps" in await page(http, f"{ROOM}/new")
        tried = await sent(http, f"{ROOM}/try", form(reason="Two were lost"))
        assert tried.status_code == 200, tried.text
        assert "Two were lost</textarea>" in tried.text
        assert "it would have done something 4 times to 2 leads" in tried.text
        assert "Mia &lt;Chen&gt;" in tried.text
        assert "Zoe Ng" not in tried.text
        assert await rows(reception.database, "SELECT id FROM escalation_policies") == []
        wanted = form(reason="Two were lost")
        for _ in range(2):
            assert (await sent(http, ROOM, wanted)).status_code == 303
        path = f"{ROOM}/{wanted['id']}"
        made = await page(http, path)
        assert "Leads with status exception that nobody has" in made
        assert "Two were lost" in made
        assert await named(http, f"{ROOM}?state=off") == ["Exceptions nobody has"]
        on = await done(http, f"{path}/on", seen=seen_on(made))
        assert "On: it does what falls due from now on" in on
        editing = await page(http, f"{path}/edit")
        assert 'value="nudge:team" selected' in editing
        changed = {**form(after=["3", "", "", "", ""], deed=["nudge:owner", "", "", "", ""]), "seen": seen_on(editing)}
        assert (await sent(http, path, {**changed, "reason": "Too soon"})).status_code == 303
        told = await page(http, path)
        assert "Nudge the owner by mail" in told
        assert "Too soon" in told
        assert f"/console/leads/{mia}" in told

    async def test_every_fault_of_the_steps_is_told_at_once(self, http: Desk) -> None:
        wrong = form(after=["soon", "2", "", "", ""], deed=["critical", "snooze", "", "", ""], name="")
        refused = await sent(http, f"{ROOM}/try", wrong)
        assert refused.status_code == 422
        assert "Step 1 needs a whole number of hours" in refused.text
        assert "Step 2 needs the hours for which it snoozes" in refused.text
        refused = await sent(http, f"{ROOM}/try", form(after=["2", "1", "", "", ""]))
        assert "Each step comes later than the one before" in refused.text

    async def test_what_somebody_changed_meanwhile_is_not_changed_over(self, http: Desk) -> None:
        wanted = form()
        await sent(http, ROOM, wanted)
        path = f"{ROOM}/{wanted['id']}"
        seen = seen_on(await page(http, path))
        await done(http, f"{path}/on", seen=seen)
        late = await sent(http, path, form(seen=seen))
        assert late.status_code == 409


class TestTheDryRun:
    async def test_counts_what_ended_in_the_time_and_what_goes_on(self, http: Desk, reception: Reception) -> None:
        (ended,) = await waiting(reception, "Ended", ago=90 * MINUTE)
        await reception.close(ended, CloseReason.WITHDRAWN)
        await waiting(reception, "Goes on", ago=150 * MINUTE)
        await waiting(reception, "Long ago", ago=timedelta(days=40))
        body = {
            "name": "A",
            "subject": "lead",
            "statuses": ["exception"],
            "steps": [
                {"after_minutes": 60, "action": "nudge", "notify": "team"},
                {"after_minutes": 120, "action": "critical"},
            ],
        }
        run = (await http.ask("POST", "/admin/escalation-policies/dry-run", json=body)).json()
        assert (run["by_step"], run["leads"], run["total"]) == ([2, 1], 2, 3)
        assert [each["step_no"] for each in run["firings"]] == [1, 1, 2]

    async def test_of_follow_ups_counts_from_when_they_were_due(self, http: Desk, reception: Reception) -> None:
        (lead,) = await waiting(reception, "Mia Chen")
        await reception.follow_up(lead, planned_ago=3 * HOUR, ahead=HOUR)
        await reception.follow_up(lead)
        steps = [{"after_minutes": 90, "action": "critical"}]
        body = {"name": "A", "subject": "follow_up", "ownership": "unowned", "steps": steps}
        run = (await http.ask("POST", "/admin/escalation-policies/dry-run", json=body)).json()
        assert run["by_step"] == [1]
        assert run["firings"][0]["at"] == "2026-03-03T01:45:04Z"

    async def test_of_follow_ups_are_of_the_lead_that_goes_on(self, http: Desk, reception: Reception) -> None:
        first, between, last = await waiting(reception, "Tom Reid", "Mia Chen", "Zoe Ng")
        await reception.follow_up(first, planned_ago=3 * HOUR, ahead=HOUR)
        await merge(reception.database, between, first)
        await merge(reception.database, last, between)
        steps = [
            {"after_minutes": 60, "action": "nudge", "notify": "team"},
            {"after_minutes": 90, "action": "critical"},
        ]
        body = {"name": "A", "subject": "follow_up", "steps": steps}
        run = (await http.ask("POST", "/admin/escalation-policies/dry-run", json=body)).json()
        assert [(each["step_no"], each["lead_id"]) for each in run["firings"]] == [(1, str(last)), (2, str(last))]
        await reception.close(last, CloseReason.WITHDRAWN)
        run = (await http.ask("POST", "/admin/escalation-policies/dry-run", json=body)).json()
        assert run["by_step"] == [1, 0]


class TestTheLead:
    async def on(self, http: Desk, **changes: Any) -> None:
        wanted = form(**changes)
        assert (await sent(http, ROOM, wanted)).status_code == 303
        path = f"{ROOM}/{wanted['id']}"
        await done(http, f"{path}/on", seen=seen_on(await page(http, path)))

    async def test_says_beforehand_what_happens_and_afterwards_what_did(self, http: Desk, reception: Reception) -> None:
        await self.on(http)
        (mia,) = await waiting(reception, "Mia Chen", ago=timedelta())
        before = await page(http, f"/console/leads/{mia}")
        assert ">in 1 h</time>: people are nudged by mail, by" in before
        reception.clock.instant = NOW + 2 * HOUR
        assert "At any moment: people are nudged" in await page(http, f"/console/leads/{mia}")
        await escalate(reception.database, NOW + 2 * HOUR)
        after = await page(http, f"/console/leads/{mia}")
        assert "Nothing happens by itself" in after
        assert "marked the lead critical" in after
        assert await named(http, "/console/leads?attention=critical") == ["Mia Chen"]

    async def test_is_lifted_and_snoozed_by_hand(self, http: Desk, reception: Reception) -> None:
        await self.on(http)
        (mia,) = await waiting(reception, "Mia Chen", ago=timedelta())
        reception.clock.instant = NOW + 2 * HOUR
        await escalate(reception.database, NOW + 2 * HOUR)
        path = f"/console/leads/{mia}"
        lifted = await done(http, f"{path}/lift-critical", reason="Rang them", seen=seen_on(await page(http, path)))
        assert "Lifted: it is critical no more" in lifted
        snoozed = await done(
            http, f"{path}/snooze", until="2026-03-05T09:00", reason="Away until Thursday", seen=seen_on(lifted)
        )
        assert "Snoozed until" in snoozed
        assert await named(http, "/console/leads?attention=snoozed") == ["Mia Chen"]
        assert await named(http, "/console/leads?attention=critical") == []


class TestOverHttp:
    async def test_a_policy_is_made_changed_and_turned(self, http: Desk) -> None:
        steps = [{"after_minutes": 60, "action": "nudge", "notify": "owner"}]
        made = await http.ask(
            "POST", "/admin/escalation-policies", Role.EDITOR, json={"name": "A", "subject": "lead", "steps": steps}
        )
        assert (made.status_code, made.json()["is_on"]) == (201, False)
        path = f"/admin/escalation-policies/{made.json()['id']}"
        assert (await http.ask("POST", f"{path}/on")).json()["on_since"] is not None
        changed = await http.ask(
            "PUT", path, json={"name": "B", "subject": "lead", "steps": [{"after_minutes": 5, "action": "critical"}]}
        )
        assert (changed.json()["name"], changed.json()["steps"][0]["action"]) == ("B", "critical")
        assert (await http.ask("POST", f"{path}/off", json={"reason": "Enough"})).json()["is_on"] is False
        assert [each["name"] for each in await http.get("/admin/escalation-policies")] == ["B"]
        bad = await http.ask(
            "POST", "/admin/escalation-policies", json={"name": "C", "subject": "lead", "steps": steps * 2}
        )
        assert faults(bad) == {"steps": "not_ascending"}

    async def test_why_a_policy_is_made_stands_in_the_audit(self, http: Desk, reception: Reception) -> None:
        steps = [{"after_minutes": 60, "action": "critical"}]
        body = {"name": "A", "subject": "lead", "steps": steps, "reason": " "}
        refused = await http.ask("POST", "/admin/escalation-policies", json=body)
        assert faults(refused) == {"reason": "string_too_short"}
        made = await http.ask("POST", "/admin/escalation-policies", json=body | {"reason": " Two were lost "})
        assert made.status_code == 201
        audited = await rows(reception.database, "SELECT action, subject_id, reason_text FROM audit_entries")
        subject = {"action": "create_escalation_policy", "subject_id": made.json()["id"]}
        assert audited == [subject | {"reason_text": "Two were lost"}]

    async def test_a_lead_and_a_follow_up_tell_what_they_wait_for(self, http: Desk, reception: Reception) -> None:
        mia, tom = await waiting(reception, "Mia Chen", "Tom Reid")
        planned = await reception.follow_up(mia, ahead=HOUR)
        for subject, action in (("lead", "critical"), ("follow_up", "nudge")):
            step = {"after_minutes": 240, "action": action} | ({"notify": "team"} if action == "nudge" else {})
            body = {"name": f"Of a {subject}", "subject": subject, "steps": [step]}
            made = await http.ask("POST", "/admin/escalation-policies", json=body)
            assert (await http.ask("POST", f"/admin/escalation-policies/{made.json()['id']}/on")).status_code == 200
        listed = {row["id"]: row for row in (await http.get("/admin/leads"))["items"]}
        assert {listed[str(each)]["escalates_at"] for each in (mia, tom)} == {"2026-03-03T03:15:04Z"}
        (row,) = (await http.get("/admin/follow-ups"))["items"]
        assert (row["id"], row["escalates_at"]) == (str(planned.id), "2026-03-03T07:15:04Z")
        body = {"until": "2026-03-04T00:00:00Z", "reason": "Away"}
        put_off = (await http.ask("POST", f"/admin/leads/{mia}/snooze", json=body)).json()
        assert (put_off["snoozed_until"], put_off["escalates_at"]) == ("2026-03-04T00:00:00Z", "2026-03-04T04:00:00Z")
        reception.clock.advance(HOUR + MINUTE)
        await escalate(reception.database, reception.clock.now())
        (critical,) = (await http.get("/admin/leads", attention="critical"))["items"]
        assert (critical["id"], critical["is_critical"], critical["escalates_at"]) == (str(tom), True, None)
        snoozed = (await http.get("/admin/leads", attention="snoozed"))["items"]
        assert [each["id"] for each in snoozed] == [str(mia)]

    async def test_a_lead_is_snoozed_and_lifted(self, http: Desk, reception: Reception) -> None:
        (mia,) = await waiting(reception, "Mia Chen")
        body = {"until": "2026-03-04T00:00:00Z", "reason": "Away"}
        assert (await http.ask("POST", f"/admin/leads/{mia}/snooze", json=body)).status_code == 200
        lifted = await http.ask("POST", f"/admin/leads/{mia}/lift-critical", json={"reason": "Seen to"})
        assert (lifted.status_code, lifted.json()["type"].rsplit(":", 1)[1]) == (409, "lead_not_critical")
