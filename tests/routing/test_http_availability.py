"""Hours, absences, shares, contacts and notes over HTTP: what is answered, and what is refused by name."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.ids import new_id
from contracts.identity import Role
from tests.routing.arrangements import Floor
from tests.routing.desk import UNKNOWN, Desk, code_of, faults

MONDAY = {"weekday": "monday", "opens": "07:00", "closes": "18:00"}
PAUSE = {"kind": "pause", "reason": "crew on leave"}
CONTACT = {"name": "Ana Lim", "role": "dispatch", "email": "ana@SouthernSun.example", "phone": "0491 570 156"}


@pytest.fixture
async def path(desk: Desk) -> str:
    return f"/admin/installers/{(await desk.add())['id']}"


class TestHours:
    async def test_are_answered_as_they_are_kept(self, desk: Desk, path: str) -> None:
        touching = [MONDAY, {"weekday": "monday", "opens": "18:00", "closes": "24:00"}]
        body = {"hours": touching, "home_state": "NSW", "keeps_public_holidays": True}
        told = await desk.do("PUT", f"{path}/hours", body)
        assert told["hours"] == [{"weekday": "monday", "opens": "07:00", "closes": "24:00"}]
        assert (told["home_state"], told["keeps_public_holidays"]) == ("NSW", True)
        assert (await desk.get(path))["hours"] == told["hours"]
        always = await desk.do("PUT", f"{path}/hours", {})
        assert (always["hours"], always["keeps_public_holidays"]) == (None, False)

    async def test_names_every_fault(self, desk: Desk, path: str) -> None:
        wrong = [MONDAY | {"closes": "07:00"}, MONDAY | {"opens": "7"}, MONDAY | {"weekday": "someday"}]
        answer = await desk.ask("PUT", f"{path}/hours", {"hours": wrong})
        assert faults(answer) == {
            "hours.0": "span_reversed",
            "hours.1.opens": "string_pattern_mismatch",
            "hours.2.weekday": "enum",
        }
        answer = await desk.ask("PUT", f"{path}/hours", {"keeps_public_holidays": True})
        assert answer.json()["errors"][0]["code"] == "home_state_missing"


class TestShare:
    async def test_is_set_and_taken_away(self, desk: Desk, path: str) -> None:
        assert (await desk.do("PUT", f"{path}/share", {"weight": 40}))["share_weight"] == 40
        assert (await desk.do("PUT", f"{path}/share", {"weight": None}))["share_weight"] is None
        assert faults(await desk.ask("PUT", f"{path}/share", {"weight": 1001})) == {"weight": "less_than_equal"}


class TestAbsences:
    async def test_one_is_added_told_and_ended(self, desk: Desk, path: str) -> None:
        added = await desk.do("POST", f"{path}/absences", PAUSE | {"starts_at": "2026-04-01T00:00:00+11:00"})
        assert (added["starts_at"], added["ends_at"], added["available_actions"]) == (
            "2026-03-31T13:00:00Z",
            None,
            ["end"],
        )
        assert (await desk.get(path))["absences"] == [added]
        ended = await desk.do("POST", f"{path}/absences/{added['id']}/end", {"reason": "no leave after all"})
        assert (ended["ended_at"], ended["available_actions"]) == ("2026-03-03T02:15:04Z", [])
        assert (await desk.get(path))["absences"] == []
        assert await desk.get(f"{path}/absences") == [ended]

    async def test_overlaps_are_refused(self, desk: Desk, path: str) -> None:
        await desk.do("POST", f"{path}/absences", PAUSE)
        answer = await desk.ask("POST", f"{path}/absences", PAUSE)
        assert (answer.status_code, code_of(answer)) == (409, "absence_overlaps")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"kind": "holiday"}, "end_missing"),
            ({"starts_at": "2026-04-02T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z"}, "ends_before_it_starts"),
            ({"ends_at": "2026-04-01"}, "timezone_aware"),
        ],
    )
    async def test_are_a_span(self, desk: Desk, path: str, changes: dict[str, Any], code: str) -> None:
        answer = await desk.ask("POST", f"{path}/absences", PAUSE | changes)
        assert [error["code"] for error in answer.json()["errors"]] == [code]


class TestContacts:
    async def test_one_is_added_changed_and_removed(self, desk: Desk, floor: Floor, path: str) -> None:
        added = await desk.do("POST", f"{path}/contacts", CONTACT)
        assert (added["email"], added["phone"]) == ("ana@southernsun.example", "+61491570156")
        changed = await desk.do("PATCH", f"{path}/contacts/{added['id']}", {"role": "owner", "phone": None})
        assert (changed["role"], changed["phone"], changed["name"]) == ("owner", None, "Ana Lim")
        assert await desk.get(f"{path}/contacts") == [changed]
        for _ in range(2):
            assert (await desk.ask("DELETE", f"{path}/contacts/{added['id']}")).status_code == 204
        assert await desk.get(f"{path}/contacts") == []
        answer = await desk.ask("PATCH", f"{path}/contacts/{added['id']}", {"name": "Ana"})
        assert (answer.status_code, code_of(answer)) == (404, "no_such_contact")
        rows = await floor.rows("SELECT action, before, after FROM audit_entries ORDER BY id OFFSET 1")
        assert rows[1] == {
            "action": "change_contact",
            "before": {"contact": "Ana Lim", "role": "dispatch", "phone": "+61491570156"},
            "after": {"contact": "Ana Lim", "role": "owner", "phone": None},
        }
        assert [row["action"] for row in rows] == ["add_contact", "change_contact", "remove_contact"]
        assert len(await floor.events("installer.changed")) == 1

    async def test_twice_with_an_id_is_one(self, desk: Desk, path: str) -> None:
        body = CONTACT | {"id": str(new_id())}
        assert await desk.do("POST", f"{path}/contacts", body) == await desk.do("POST", f"{path}/contacts", body)
        answer = await desk.ask("POST", f"{path}/contacts", body | {"name": "Other"})
        assert (answer.status_code, code_of(answer)) == (409, "contact_exists")

    async def test_can_be_reached(self, desk: Desk, path: str) -> None:
        answer = await desk.ask("POST", f"{path}/contacts", {"name": "Ana", "role": "site"})
        assert answer.json()["errors"][0]["code"] == "contact_unreachable"
        added = await desk.do("POST", f"{path}/contacts", CONTACT)
        answer = await desk.ask("PATCH", f"{path}/contacts/{added['id']}", {"email": None, "phone": None})
        assert (answer.status_code, code_of(answer)) == (409, "contact_unreachable")


class TestNotes:
    async def test_are_written_once_the_latest_first(self, desk: Desk, floor: Floor, path: str) -> None:
        body = {"id": str(new_id()), "text": "Prefers calls before noon\nAsk for Ana"}
        first, again = await desk.do("POST", f"{path}/notes", body), await desk.do("POST", f"{path}/notes", body)
        assert first == again
        floor.clock.advance(timedelta(minutes=1))
        await desk.do("POST", f"{path}/notes", {"text": "Moved to Penrith"})
        told = await desk.get(f"{path}/notes")
        assert [note["text"] for note in told] == ["Moved to Penrith", body["text"]]
        answer = await desk.ask("POST", f"{path}/notes", body | {"text": "Never mind"})
        assert (answer.status_code, code_of(answer)) == (409, "note_exists")
        assert (await floor.audited()).count("append_note") == 2


class TestWhoMay:
    @pytest.mark.parametrize(
        ("method", "deed", "body"),
        [
            ("PUT", "hours", {}),
            ("PUT", "share", {"weight": 2}),
            ("POST", "absences", PAUSE),
            ("POST", "contacts", CONTACT),
            ("POST", "notes", {"text": "hello"}),
        ],
    )
    async def test_of_nobody_nothing_is_changed(self, desk: Desk, method: str, deed: str, body: Any) -> None:
        answer = await desk.ask(method, f"/admin/installers/{UNKNOWN}/{deed}", body)
        assert (answer.status_code, code_of(answer)) == (404, "no_such_installer")


async def test_a_reason_stands_with_caps_territory_and_particulars(desk: Desk, floor: Floor, path: str) -> None:
    await desk.do("PUT", f"{path}/caps", {"day": 9, "reason": "a new crew"})
    await desk.do("PUT", f"{path}/territory", {"states": ["WA"], "reason": "they moved"})
    await desk.do("PATCH", path, {"name": "New Sun", "reason": "a new name"})
    rows = await floor.rows("SELECT reason_text FROM audit_entries WHERE action <> 'add_installer' ORDER BY id")
    assert [row["reason_text"] for row in rows] == ["a new crew", "they moved", "a new name"]


async def test_a_role_that_reads_alone_changes_nothing(desk: Desk, path: str) -> None:
    readers = [role for role in Role if "write_routing" not in role.capabilities]
    for role in readers:
        assert (await desk.ask("PUT", f"{path}/share", {"weight": 2}, role)).status_code == 403
