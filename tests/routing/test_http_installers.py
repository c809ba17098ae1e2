"""Installers over HTTP."""

from typing import Any

import pytest
from sqlalchemy import text

from chassis.ids import new_id
from contracts.identity import Role
from contracts.values import InstallerStatus
from tests.routing.arrangements import Floor, lead
from tests.routing.desk import NEW_INSTALLER, UNKNOWN, Desk, code_of, faults


class TestAddInstaller:
    async def test_answers_with_all_of_it_in_its_normal_form(self, desk: Desk) -> None:
        answer = await desk.ask("POST", "/admin/installers", NEW_INSTALLER, Role.ADMIN)
        assert answer.status_code == 201
        told = answer.json()
        assert answer.headers["Location"] == f"/admin/installers/{told['id']}"
        assert {name: told[name] for name in ("abn", "email", "billing_email", "phone", "time_zone", "status")} == {
            "abn": "53004085616",
            "email": "leads@southernsun.example",
            "billing_email": "leads@southernsun.example",
            "phone": "+61249210000",
            "time_zone": "Australia/Sydney",
            "status": "active",
        }
        assert told["services"] == ["heat-pump", "solar-battery"]
        assert told["territory"] == NEW_INSTALLER["territory"]
        assert [(cap["kind"], cap["limit"], cap["used"], cap["reserved"]) for cap in told["caps"]] == [
            ("day", 3, 0, 0),
            ("week", None, 0, 0),
            ("month", 40, 0, 0),
        ]
        assert told["caps"][2]["window_start"] == "2026-02-28T13:00:00Z"

    async def test_twice_with_an_id_is_one(self, desk: Desk) -> None:
        id_ = str(new_id())
        first, second = await desk.add(id=id_), await desk.add(id=id_)
        assert first == second
        other = await desk.ask("POST", "/admin/installers", NEW_INSTALLER | {"id": id_, "name": "Other"}, Role.ADMIN)
        assert (other.status_code, code_of(other)) == (409, "installer_exists")

    async def test_names_every_fault_at_once(self, desk: Desk, floor: Floor) -> None:
        wrong = NEW_INSTALLER | {
            "abn": "53004085617",
            "email": "leads",
            "phone": "12345",
            "time_zone": "Australia/Nowhere",
            "services": ["solar battery"],
            "caps": {"day": -1},
            "territory": {"states": ["NZ"], "ranges": [{"first": "2234", "last": "2000"}], "postcodes": ["22"]},
            "colour": "red",
        }
        answer = await desk.ask("POST", "/admin/installers", wrong, Role.ADMIN)
        assert faults(answer) == {
            "abn": "abn_invalid",
            "email": "email_invalid",
            "phone": "phone_invalid",
            "time_zone": "time_zone_unknown",
            "services.0": "service_invalid",
            "caps.day": "greater_than_equal",
            "territory.states.0": "enum",
            "territory.ranges.0": "range_reversed",
            "territory.postcodes.0": "string_pattern_mismatch",
            "colour": "extra_forbidden",
        }
        assert await floor.rows("SELECT 1 FROM installers") == []


class TestGetAndListInstallers:
    async def test_shows_what_is_taken_of_each_cap(self, desk: Desk, floor: Floor) -> None:
        added = await desk.add(territory={"states": ["NSW"]})
        await floor.dispatch(lead())
        told = await desk.get(f"/admin/installers/{added['id']}")
        assert [(cap["kind"], cap["used"], cap["reserved"]) for cap in told["caps"]] == [
            ("day", 0, 1),
            ("week", 0, 1),
            ("month", 0, 1),
        ]
        assert (await desk.items("/admin/installers"))[0]["caps"] == told["caps"]

    async def test_refuses_an_unknown_one(self, desk: Desk) -> None:
        answer = await desk.ask("GET", f"/admin/installers/{new_id()}")
        assert (answer.status_code, code_of(answer)) == (404, "no_such_installer")

    @pytest.mark.parametrize(
        ("narrowed", "names"),
        [
            ({}, ["Perth Roofs", "Southern Sun Solar"]),
            ({"status": "paused"}, ["Perth Roofs"]),
            ({"service": "heat-pump"}, ["Southern Sun Solar"]),
            ({"name": "sun"}, ["Southern Sun Solar"]),
            ({"name": "%"}, []),
            ({"covers_postcode": "2204"}, ["Southern Sun Solar"]),
            ({"covers_postcode": "2480"}, ["Southern Sun Solar"]),
            ({"covers_postcode": "2235"}, []),
            ({"covers_state": "WA"}, ["Perth Roofs"]),
            ({"covers_state": "WA", "covers_postcode": "2204"}, ["Perth Roofs", "Southern Sun Solar"]),
        ],
    )
    async def test_narrows_the_list(self, desk: Desk, narrowed: dict[str, Any], names: list[str]) -> None:
        await desk.add()
        await desk.add(name="Perth Roofs", services=["roofing"], status="paused", territory={"states": ["WA"]})
        assert [item["name"] for item in await desk.items("/admin/installers", **narrowed)] == names

    async def test_shows_one_whose_time_zone_there_is_no_more(self, desk: Desk, floor: Floor) -> None:
        added = await desk.add()
        async with floor.database.transaction() as session:
            await session.execute(text("UPDATE installers SET time_zone = 'Mars/Olympus'"))
        [shown] = await desk.items("/admin/installers")
        assert (shown["id"], shown["time_zone"]) == (added["id"], "Mars/Olympus")

    async def test_pages(self, desk: Desk) -> None:
        for number in range(5):
            await desk.add(name=f"Installer {number}")
        first = await desk.get("/admin/installers", limit=3)
        second = await desk.get("/admin/installers", limit=3, cursor=first["next"])
        assert [item["name"] for item in first["items"] + second["items"]] == [
            f"Installer {number}" for number in (4, 3, 2, 1, 0)
        ]
        assert second["next"] is None


class TestChangeInstaller:
    async def test_changes_what_is_given_alone(self, desk: Desk) -> None:
        added = await desk.add()
        changed = await desk.do(
            "PATCH", f"/admin/installers/{added['id']}", {"name": "New Sun", "phone": None, "services": ["roofing"]}
        )
        assert (changed["name"], changed["phone"], changed["services"], changed["version"]) == (
            "New Sun",
            None,
            ["roofing"],
            2,
        )
        assert changed["abn"] == added["abn"]

    async def test_refuses_null_where_there_must_be_something(self, desk: Desk) -> None:
        added = await desk.add()
        answer = await desk.ask("PATCH", f"/admin/installers/{added['id']}", {"name": None, "services": []})
        assert faults(answer) == {"name": "string_type", "services": "too_short"}

    async def test_replaces_the_territory(self, desk: Desk) -> None:
        added = await desk.add()
        territory = {"states": [], "ranges": [{"first": "0800", "last": "0832"}], "postcodes": []}
        changed = await desk.do("PUT", f"/admin/installers/{added['id']}/territory", territory)
        assert changed["territory"] == territory

    async def test_replaces_the_caps(self, desk: Desk) -> None:
        added = await desk.add()
        changed = await desk.do("PUT", f"/admin/installers/{added['id']}/caps", {"week": 7})
        assert [cap["limit"] for cap in changed["caps"]] == [None, 7, None]

    async def test_changes_the_status_with_a_reason(self, desk: Desk, floor: Floor) -> None:
        added = await desk.add()
        path = f"/admin/installers/{added['id']}/status"
        changed = await desk.do("POST", path, {"status": "suspended", "reason": "unpaid invoices"})
        assert changed["status"] == InstallerStatus.SUSPENDED
        assert changed["available_actions"] == ["activate", "pause"]
        [row] = await floor.rows("SELECT * FROM audit_entries WHERE action = 'change_installer_status'")
        assert (row["actor_name"], row["reason_text"]) == ("Robin Field", "unpaid invoices")
        assert row["request_id"] is not None
        assert faults(await desk.ask("POST", path, {"status": "gone"})) == {"status": "enum", "reason": "missing"}


class TestWhoMay:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/admin/installers"),
            ("PATCH", f"/admin/installers/{UNKNOWN}"),
            ("PUT", f"/admin/installers/{UNKNOWN}/territory"),
            ("PUT", f"/admin/installers/{UNKNOWN}/caps"),
            ("POST", f"/admin/installers/{UNKNOWN}/status"),
        ],
    )
    async def test_nobody_changes_them_unsigned(self, desk: Desk, method: str, path: str) -> None:
        assert (await desk.client.request(method, path, json={})).status_code == 401

    @pytest.mark.parametrize("role", Role)
    async def test_every_role_may_read_and_route(self, desk: Desk, role: Role) -> None:
        path = f"/admin/installers/{(await desk.add())['id']}"
        assert (await desk.ask("GET", path, role=role)).status_code == 200
        for method, part, body in (
            ("PATCH", "", {"name": "New Sun", "email": "new@southernsun.example", "time_zone": "Australia/Perth"}),
            ("PUT", "/territory", {"states": ["WA"]}),
            ("PUT", "/caps", {"day": 1}),
            ("POST", "/status", {"status": "paused", "reason": "holiday"}),
        ):
            assert (await desk.ask(method, f"{path}{part}", body, role)).status_code == 200

    @pytest.mark.parametrize(
        ("field", "value"),
        [("abn", None), ("gst_registered", False), ("billing_email", "a@b.example"), ("billing_address", None)],
    )
    async def test_what_it_is_invoiced_by_is_for_who_manages_billing(self, desk: Desk, field: str, value: Any) -> None:
        added = await desk.add(billing_address="3 Harbour Road")
        path = f"/admin/installers/{added['id']}"
        answer = await desk.ask("PATCH", path, {"name": "New Sun", field: value}, Role.EDITOR)
        assert (answer.status_code, code_of(answer)) == (403, "capability_missing")
        assert answer.json()["capability"] == "manage_billing_ops"
        assert await desk.get(path) == added
        assert (await desk.do("PATCH", path, {field: value}, Role.ADMIN))[field] == value

    async def test_so_is_adding_one(self, desk: Desk) -> None:
        answer = await desk.ask("POST", "/admin/installers", NEW_INSTALLER, Role.EDITOR)
        assert (answer.status_code, answer.json()["capability"]) == (403, "manage_billing_ops")
