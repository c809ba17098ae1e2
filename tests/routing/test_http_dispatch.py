"""Leads, assignments, the exception queue and the switch over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from chassis.ids import new_id
from contracts.values import CapReleaseReason
from services.routing.commands.closing import CloseLead, close_leads
from services.routing.domain.windows import Limits
from tests.routing.arrangements import FREMANTLE, NOW, SHARED, Floor, lead
from tests.routing.desk import UNKNOWN, Desk, code_of, faults


async def waiting(floor: Floor, desk: Desk) -> dict[str, Any]:
    """The item of a shared lead that nobody covers."""
    await floor.dispatch(lead(SHARED, FREMANTLE))
    [item] = await desk.items("/admin/dispatch-exceptions")
    return item


class TestLeadDispatch:
    async def test_shows_where_a_lead_stands(self, desk: Desk, floor: Floor) -> None:
        await floor.installers(2)
        await floor.dispatch(arrived := lead(SHARED))
        first, second = await floor.assignments()
        await floor.deliver(first.id)
        await floor.refuse_mail(second.id)
        told = await desk.get(f"/admin/leads/{arrived.lead_id}/dispatch")
        assert (told["status"], told["shares_wanted"], told["shares_live"], told["shares_sent"]) == (
            "delivered",
            3,
            1,
            1,
        )
        assert [(a["status"], a["cap_state"], a["available_actions"]) for a in told["assignments"]] == [
            ("sent", "counted", ["release-cap", "take-return"]),
            ("failed", "given_back", []),
        ]
        assert [item["reason"] for item in told["exceptions"]] == ["delivery_failed"]
        assert (told["product_type"], told["postcode"]) == ("shared", "2204")

    async def test_does_not_name_the_person(self, desk: Desk, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        for path in ("dispatch", "decisions"):
            answer = await desk.ask("GET", f"/admin/leads/{arrived.lead_id}/{path}")
            assert "mia" not in answer.text.lower()

    async def test_shows_every_decision(self, desk: Desk, floor: Floor) -> None:
        chosen = await floor.installer(Limits(month=5), name="Chosen")
        await floor.installer(Limits(month=0), name="Full")
        await floor.dispatch(arrived := lead())
        [decision] = await desk.get(f"/admin/leads/{arrived.lead_id}/decisions")
        first, second = decision["candidates"]
        assert (first["installer_id"], first["rank"], first["is_chosen"]) == (str(chosen), 1, True)
        assert (first["ordering_key"]["owed_ppm"], first["ordering_key"]["entitled_ppm"]) == (0, 1_000_000)
        assert (second["installer_name"], second["obstacle"], second["ordering_key"]) == ("Full", "cap_month", None)
        assert second["verdicts"][-2] == {
            "rule": "cap_month",
            "passed": False,
            "reason_code": "cap_reached",
            "compared": {"limit": 0, "used": 0, "reserved": 0, "window_start": "2026-02-28T13:00:00+00:00"},
            "is_waived": False,
            "until": None,
        }

    @pytest.mark.parametrize("path", ["dispatch", "decisions"])
    async def test_refuses_a_lead_that_was_never_seen(self, desk: Desk, path: str) -> None:
        answer = await desk.ask("GET", f"/admin/leads/{new_id()}/{path}")
        assert (answer.status_code, code_of(answer)) == (404, "no_such_lead")


class TestAssignments:
    async def test_narrows_the_list(self, desk: Desk, floor: Floor) -> None:
        one, _ = await floor.installers(2)
        await floor.dispatch(arrived := lead(SHARED))
        floor.clock.advance(timedelta(hours=1))
        await floor.dispatch(lead(SHARED))
        first, *_ = made = await floor.assignments()
        await floor.deliver(first.id)

        async def found(**narrowed: Any) -> int:
            return len(await desk.items("/admin/assignments", **narrowed))

        assert len(made) == await found() == 4
        assert await found(installer_id=str(one)) == 2
        assert await found(lead_id=str(arrived.lead_id)) == 2
        assert await found(status="sent") == await found(cap_state="counted") == 1
        assert await found(status="pending", cap_state="reserved") == 3
        assert await found(created_from=(NOW + timedelta(minutes=1)).isoformat()) == 2
        assert await found(created_before=(NOW + timedelta(minutes=1)).isoformat()) == 2

    async def test_pages_newest_first(self, desk: Desk, floor: Floor) -> None:
        await floor.installers(3)
        await floor.dispatch(lead(SHARED), lead())
        first = await desk.get("/admin/assignments", limit=3)
        second = await desk.get("/admin/assignments", limit=3, cursor=first["next"])
        ids = [item["id"] for item in first["items"] + second["items"]]
        assert ids == sorted((str(each.id) for each in await floor.assignments()), reverse=True)

    async def test_shows_one(self, desk: Desk, floor: Floor) -> None:
        await floor.installer(name="Chosen")
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        told = await desk.get(f"/admin/assignments/{made.id}")
        assert (told["installer_name"], told["product_type"], told["available_actions"]) == (
            "Chosen",
            "exclusive",
            ["cancel"],
        )
        missing = await desk.ask("GET", f"/admin/assignments/{new_id()}")
        assert (missing.status_code, code_of(missing)) == (404, "no_such_assignment")

    async def test_cancels_a_pending_one(self, desk: Desk, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        path = f"/admin/assignments/{(await floor.only_assignment()).id}/cancel"
        told = await desk.do("POST", path, {"reason_code": "wrong_installer"})
        assert (told["status"], told["ended_reason"], told["available_actions"]) == ("cancelled", "wrong_installer", [])
        assert faults(await desk.ask("POST", path, {"reason_code": "because"})) == {"reason_code": "enum"}

    async def test_refuses_to_cancel_a_sent_one(self, desk: Desk, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        await floor.deliver(made.id)
        answer = await desk.ask("POST", f"/admin/assignments/{made.id}/cancel", {"reason_code": "wrong_installer"})
        assert (answer.status_code, code_of(answer)) == (409, "assignment_not_pending")

    async def test_releases_the_cap_of_a_sent_one(self, desk: Desk, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        made = await floor.only_assignment()
        path = f"/admin/assignments/{made.id}/release-cap"
        early = await desk.ask("POST", path, {"reason_code": "invalid_lead"})
        assert (early.status_code, code_of(early)) == (409, "cap_not_counted")
        await floor.deliver(made.id)
        told = await desk.do("POST", path, {"reason_code": "invalid_lead", "reason": "number not in use"})
        assert (told["cap_state"], told["cap_release_reason"], told["cap_release_note"]) == (
            "released",
            "invalid_lead",
            "number not in use",
        )
        assert await desk.do("POST", path, {"reason_code": "invalid_lead"}) == told

    async def test_names_the_reasons_for_a_release(self, desk: Desk, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(lead())
        path = f"/admin/assignments/{(await floor.only_assignment()).id}/release-cap"
        answer = await desk.ask("POST", path, {"reason_code": "did not win the job"})
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["field"], error["code"]) == (422, "reason_code", "enum")
        assert all(reason in error["message"] for reason in CapReleaseReason)


class TestExceptionQueue:
    async def test_shows_what_waits_and_for_how_long(self, desk: Desk, floor: Floor) -> None:
        item = await waiting(floor, desk)
        floor.clock.advance(timedelta(minutes=5))
        [told] = await desk.items("/admin/dispatch-exceptions")
        assert (told["id"], told["age_seconds"], told["reason"]) == (item["id"], 300, "no_coverage")
        assert (told["lead"]["postcode"], told["lead"]["selected_path"]) == ("6160", "compare_quotes")
        assert told["available_actions"] == ["assign", "retry", "resolve", "claim", "hand-over", "snooze", "reject"]

    async def test_of_a_closed_lead_can_be_set_aside_alone(self, desk: Desk, floor: Floor) -> None:
        await floor.installer()
        await floor.dispatch(arrived := lead())
        made = await floor.only_assignment()
        async with floor.database.transaction() as session:
            await close_leads(session, [CloseLead(arrived.lead_id, "withdrawn", NOW)], NOW)
        await floor.deliver(made.id)
        [item] = await desk.items("/admin/dispatch-exceptions")
        assert (item["reason"], item["available_actions"]) == (
            "delivered_late",
            ["resolve", "claim", "hand-over", "snooze"],
        )
        answer = await desk.ask("POST", f"/admin/dispatch-exceptions/{item['id']}/retry")
        assert (answer.status_code, code_of(answer)) == (409, "lead_closed")
        told = await desk.get(f"/admin/leads/{arrived.lead_id}/dispatch")
        assert (told["status"], told["closed_at"]) == ("closed", "2026-03-03T02:15:04Z")

    async def test_narrows_and_pages_the_longest_waiting_first(self, desk: Desk, floor: Floor) -> None:
        arrived = [lead(location=FREMANTLE) for _ in range(3)]
        for each in arrived:
            await floor.dispatch(each)
            floor.clock.advance(timedelta(minutes=1))
        first = await desk.get("/admin/dispatch-exceptions", limit=2)
        second = await desk.get("/admin/dispatch-exceptions", limit=2, cursor=first["next"])
        assert [item["lead_id"] for item in first["items"] + second["items"]] == [str(e.lead_id) for e in arrived]

        async def found(**narrowed: Any) -> int:
            return len(await desk.items("/admin/dispatch-exceptions", **narrowed))

        assert await found(lead_id=str(arrived[1].lead_id)) == 1
        assert await found(reason="delivery_failed") == 0
        assert await found(raised_before=(NOW + timedelta(seconds=90)).isoformat()) == 2
        assert await found(state="resolved") == 0
        assert await found(state="all") == 3

    async def test_shows_one_with_its_lead(self, desk: Desk, floor: Floor) -> None:
        item = await waiting(floor, desk)
        told = await desk.get(f"/admin/dispatch-exceptions/{item['id']}")
        assert (told["item"]["id"], told["dispatch"]["lead_id"]) == (item["id"], item["lead_id"])
        missing = await desk.ask("GET", f"/admin/dispatch-exceptions/{new_id()}")
        assert (missing.status_code, code_of(missing)) == (404, "no_such_exception")

    async def test_assigns_by_hand(self, desk: Desk, floor: Floor) -> None:
        item = await waiting(floor, desk)
        installers = [str(id_) for id_ in await floor.installers(2)]
        by_hand = {"installer_ids": [*installers, installers[0]], "reason": "the only ones there"}
        told = await desk.do("POST", f"/admin/dispatch-exceptions/{item['id']}/assign", by_hand)
        assert (told["item"]["is_open"], told["item"]["resolution"]) == (False, "assigned")
        assert {a["installer_id"] for a in told["dispatch"]["assignments"]} == set(installers)
        decision = (await desk.get(f"/admin/leads/{item['lead_id']}/decisions"))[-1]
        assert (decision["reason_text"], decision["override_reason"]) == ("the only ones there", None)

    async def test_says_what_is_in_the_way_of_whom(self, desk: Desk, floor: Floor) -> None:
        item = await waiting(floor, desk)
        full = str(await floor.installer(Limits(day=0)))
        path = f"/admin/dispatch-exceptions/{item['id']}/assign"
        answer = await desk.ask("POST", path, {"installer_ids": [full]})
        assert (answer.status_code, code_of(answer)) == (409, "installer_not_eligible")
        assert answer.json()["errors"] == [
            {"field": f"installer_ids.{full}", "code": "cap_day", "message": "cap_reached"}
        ]
        without_reason = {"installer_ids": [full], "override_cap": True}
        assert faults(await desk.ask("POST", path, without_reason)) == {"reason": "reason_required"}
        told = await desk.do("POST", path, without_reason | {"reason": "agreed by phone"})
        assert told["dispatch"]["shares_live"] == 1

    async def test_retries(self, desk: Desk, floor: Floor) -> None:
        await floor.dispatch(lead())
        [item] = await desk.items("/admin/dispatch-exceptions")
        path = f"/admin/dispatch-exceptions/{item['id']}/retry"
        again = await desk.do("POST", path)
        assert (again["item"]["is_open"], again["item"]["occurrences"]) == (True, 2)
        await floor.installer()
        told = await desk.do("POST", path)
        assert (told["item"]["resolution"], told["dispatch"]["status"]) == ("retried", "dispatching")
        assert await desk.do("POST", path) == told
        resolved = await desk.do("POST", path.replace("retry", "resolve"), {"reason": "done"})
        assert resolved["item"]["resolution"] == "retried"

    async def test_resolves_with_a_reason(self, desk: Desk, floor: Floor) -> None:
        item = await waiting(floor, desk)
        path = f"/admin/dispatch-exceptions/{item['id']}/resolve"
        assert faults(await desk.ask("POST", path, {})) == {"reason": "missing"}
        told = await desk.do("POST", path, {"reason": "out of every area"})
        assert (told["item"]["is_open"], told["item"]["resolved_note"]) == (False, "out of every area")
        assert await desk.items("/admin/dispatch-exceptions") == []


class TestAutoDispatch:
    async def test_is_switched_with_a_reason(self, desk: Desk, floor: Floor) -> None:
        seen = await desk.get("/admin/auto-dispatch")
        assert (seen["enabled"], seen["version"]) == (True, 1)
        told = await desk.do("PUT", "/admin/auto-dispatch", {"enabled": False, "reason": "mail is down", "version": 1})
        assert (told["enabled"], told["version"], told["changed_by"]) == (False, 2, "Robin Field")
        await floor.installer()
        await floor.dispatch(lead())
        [item] = await desk.items("/admin/dispatch-exceptions")
        assert item["reason"] == "auto_dispatch_off"

    async def test_tells_who_was_slower(self, desk: Desk) -> None:
        await desk.do("PUT", "/admin/auto-dispatch", {"enabled": False, "reason": "mail is down"})
        answer = await desk.ask("PUT", "/admin/auto-dispatch", {"enabled": True, "reason": "mail is up", "version": 1})
        assert (answer.status_code, code_of(answer)) == (409, "changed_meanwhile")


class TestWhoMay:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/admin/assignments"),
            ("GET", f"/admin/assignments/{UNKNOWN}"),
            ("POST", f"/admin/assignments/{UNKNOWN}/cancel"),
            ("POST", f"/admin/assignments/{UNKNOWN}/release-cap"),
            ("GET", "/admin/dispatch-exceptions"),
            ("GET", f"/admin/dispatch-exceptions/{UNKNOWN}"),
            ("POST", f"/admin/dispatch-exceptions/{UNKNOWN}/assign"),
            ("POST", f"/admin/dispatch-exceptions/{UNKNOWN}/retry"),
            ("POST", f"/admin/dispatch-exceptions/{UNKNOWN}/resolve"),
            ("GET", f"/admin/leads/{UNKNOWN}/dispatch"),
            ("GET", f"/admin/leads/{UNKNOWN}/decisions"),
            ("GET", "/admin/auto-dispatch"),
            ("PUT", "/admin/auto-dispatch"),
        ],
    )
    async def test_nobody_is_told_anything_unsigned(self, desk: Desk, method: str, path: str) -> None:
        answer = await desk.client.request(method, path)
        assert (answer.status_code, code_of(answer)) == (401, "not_signed_in")
