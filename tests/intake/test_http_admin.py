"""Lead sources, clients, boards and NDAs over HTTP."""

from typing import Any

import pytest

from chassis.ids import new_id
from contracts.identity import Capability, Role
from tests.intake.desk import Desk, faults
from tests.intake.samples import NOW, OPERATOR, rows
from tests.kit.databases import RolledBackDatabase

CLIENT = {"name": "Wattle Advisory Pty Ltd", "abn": "51 824 753 556", "billing_email": "accounts@Wattle.example"}


async def new_client(http: Desk, **changes: Any) -> dict[str, Any]:
    answer = await http.ask("POST", "/admin/clients", json=CLIENT | changes)
    assert answer.status_code == 201, answer.text
    client: dict[str, Any] = answer.json()
    return client


async def new_board(http: Desk, client_id: str, **changes: Any) -> dict[str, Any]:
    body = {"client_id": client_id, "title": "Market entry", "contracted_amount_cents": 1_250_000, **changes}
    answer = await http.ask("POST", "/admin/boards", json=body)
    assert answer.status_code == 201, answer.text
    board: dict[str, Any] = answer.json()
    return board


class TestLeadSources:
    async def test_shows_the_key_once(self, http: Desk) -> None:
        key = await http.new_source()
        listed = await http.get("/admin/lead-sources")
        assert key not in str(listed)
        assert key.startswith(f"wbk_{listed['items'][0]['keys'][0]['prefix']}_")

    async def test_rotates_a_key_with_an_overlap(self, http: Desk) -> None:
        old = await http.new_source()
        (source,) = (await http.get("/admin/lead-sources"))["items"]
        answer = await http.ask("POST", f"/admin/lead-sources/{source['id']}/rotate-key")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        first = await http.submit(old)
        again = await http.submit(answer.json()["api_key"])
        assert first.json() == again.json()
        shown = await http.get(f"/admin/lead-sources/{source['id']}")
        assert [key["expires_at"] is not None for key in shown["keys"]] == [True, False]

    async def test_refuses_a_name_that_is_taken(self, http: Desk) -> None:
        await http.new_source("Solar Quotes")
        answer = await http.ask("POST", "/admin/lead-sources", json={"name": "solar quotes"})
        assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[1]) == (409, "source_name_taken")

    async def test_revoked_twice_is_revoked_once(self, http: Desk, database: RolledBackDatabase) -> None:
        await http.new_source()
        (source,) = (await http.get("/admin/lead-sources"))["items"]
        path = f"/admin/lead-sources/{source['id']}/revoke"
        assert source["available_actions"] == ["rename", "mode", "rate", "rotate-key", "revoke-key", "revoke"]
        first = await http.ask("POST", path, json={"reason": "test traffic"})
        again = await http.ask("POST", path)
        assert first.json() == again.json()
        assert again.json()["available_actions"] == ["rename"]
        (entry,) = await rows(database, "SELECT reason_text FROM audit_entries WHERE action = 'revoke_lead_source'")
        assert entry == {"reason_text": "test traffic"}


class TestClients:
    async def test_gives_what_is_left_out_its_default(self, http: Desk) -> None:
        client = await new_client(http)
        assert (client["billing_name"], client["terms_days"], client["version"]) == (CLIENT["name"], 30, 1)
        assert (client["abn"], client["billing_email"]) == ("51824753556", "accounts@wattle.example")

    async def test_refuses_wrong_check_digits_with_all_other_faults(self, http: Desk) -> None:
        body = {"abn": "51 824 753 557", "billing_email": "x", "terms_days": 400}
        answer = await http.ask("POST", "/admin/clients", json=body)
        assert faults(answer) == {
            "name": "missing",
            "abn": "abn_invalid",
            "billing_email": "email_invalid",
            "terms_days": "less_than_equal",
        }

    async def test_changes_what_is_given_alone(self, http: Desk) -> None:
        client = await new_client(http)
        answer = await http.ask("PATCH", f"/admin/clients/{client['id']}", json={"abn": None, "terms_days": 0})
        assert answer.json() == client | {"abn": None, "terms_days": 0, "version": 2}

    async def test_an_empty_change_changes_nothing(self, http: Desk) -> None:
        client = await new_client(http)
        answer = await http.ask("PATCH", f"/admin/clients/{client['id']}", json={})
        assert answer.json() == client

    async def test_refuses_null_where_something_must_be(self, http: Desk) -> None:
        client = await new_client(http)
        body = {"name": None, "billing_email": None, "terms_days": None}
        answer = await http.ask("PATCH", f"/admin/clients/{client['id']}", json=body)
        assert set(faults(answer)) == set(body)

    async def test_lists_by_abn(self, http: Desk) -> None:
        client = await new_client(http)
        await new_client(http, abn=None)
        assert (await http.get("/admin/clients", abn="51824753556"))["items"] == [client]
        assert len((await http.get("/admin/clients"))["items"]) == 2
        assert await http.get(f"/admin/clients/{client['id']}") == client


class TestBoards:
    async def test_opens_and_closes_one_once(self, http: Desk) -> None:
        board = await new_board(http, (await new_client(http))["id"], purchase_order="PO-4471")
        assert (board["status"], board["currency"], board["purchase_order"]) == ("open", "AUD", "PO-4471")
        first = await http.ask("POST", f"/admin/boards/{board['id']}/close")
        again = await http.ask("POST", f"/admin/boards/{board['id']}/close")
        assert (first.status_code, first.json()["status"]) == (200, "closed")
        assert again.json() == first.json() == await http.get(f"/admin/boards/{board['id']}")

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"contracted_amount_cents": 0}, "greater_than"),
            ({"contracted_amount_cents": -1}, "greater_than"),
            ({"contracted_amount_cents": 12.5}, "int_type"),
            ({"contracted_amount_cents": 10**15}, "less_than_equal"),
            ({"currency": "USD"}, "literal_error"),
            ({"title": "a\nb"}, "string_control_character"),
        ],
    )
    async def test_refuses_what_cannot_be(self, http: Desk, change: dict[str, Any], code: str) -> None:
        body = {"client_id": str(new_id()), "title": "Market entry", "contracted_amount_cents": 1, **change}
        answer = await http.ask("POST", "/admin/boards", json=body)
        assert faults(answer) == {next(iter(change)): code}

    async def test_refuses_a_client_that_is_not_there(self, http: Desk) -> None:
        body = {"client_id": str(new_id()), "title": "Market entry", "contracted_amount_cents": 1}
        answer = await http.ask("POST", "/admin/boards", json=body)
        assert (answer.status_code, faults(answer)) == (422, {"client_id": "client_unknown"})

    async def test_filters_by_client_and_status(self, http: Desk) -> None:
        client = await new_client(http)
        board = await new_board(http, client["id"])
        other = await new_board(http, (await new_client(http))["id"])
        await http.ask("POST", f"/admin/boards/{other['id']}/close")
        assert (await http.get("/admin/boards", client_id=client["id"]))["items"] == [board]
        assert [b["id"] for b in (await http.get("/admin/boards", status="closed"))["items"]] == [other["id"]]


class TestNdas:
    async def test_answers_an_empty_page(self, http: Desk) -> None:
        assert await http.get("/admin/ops/legal/ndas") == {"items": [], "next": None}

    async def test_shows_and_filters_rows_where_there_are_some(self, http: Desk, database: RolledBackDatabase) -> None:
        client = await new_client(http)
        board = await new_board(http, client["id"])
        await accept(database, board["id"])
        (nda,) = (await http.get("/admin/ops/legal/ndas"))["items"]
        assert (nda["board_id"], nda["client_id"], nda["expert_name"]) == (board["id"], client["id"], "Ana Field")
        for parameters, found in (
            ({"board_id": board["id"]}, 1),
            ({"client_id": client["id"]}, 1),
            ({"board_id": str(new_id())}, 0),
            ({"client_id": str(new_id())}, 0),
        ):
            assert len((await http.get("/admin/ops/legal/ndas", **parameters))["items"]) == found


async def accept(database: RolledBackDatabase, board_id: str) -> None:
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            "INSERT INTO ndas VALUES ($1, $2, $3, 'Ana Field', '2026-01', $4)",
            (new_id(), board_id, OPERATOR.id, NOW),
        )


class TestCapabilities:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/admin/lead-sources"),
            ("POST", f"/admin/lead-sources/{OPERATOR.id}/revoke"),
            ("POST", f"/admin/lead-sources/{OPERATOR.id}/rotate-key"),
            ("POST", f"/admin/leads/{OPERATOR.id}/close"),
        ],
    )
    async def test_who_only_reads_changes_nothing(self, http: Desk, method: str, path: str) -> None:
        reader = {"Authorization": f"Bearer {http.identity.token([Capability.READ_OPS])}"}
        answer = await http.client.request(method, path, headers=reader)
        assert (answer.status_code, answer.json()["capability"]) == (403, "write_routing")

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/admin/clients"),
            ("PATCH", f"/admin/clients/{OPERATOR.id}"),
            ("POST", "/admin/boards"),
            ("POST", f"/admin/boards/{OPERATOR.id}/close"),
        ],
    )
    async def test_an_editor_does_nothing_that_is_invoiced(self, http: Desk, method: str, path: str) -> None:
        answer = await http.ask(method, path, Role.EDITOR)
        assert (answer.status_code, answer.json()["capability"]) == (403, "manage_billing_ops")

    async def test_a_board_is_closed_with_a_fresh_second_factor(self, http: Desk) -> None:
        board = await new_board(http, (await new_client(http))["id"])
        path = f"/admin/boards/{board['id']}/close"
        answer = await http.client.post(path, headers=http.identity.stale_headers(Role.ADMIN))
        assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[1]) == (403, "step_up_required")
        assert (await http.get(f"/admin/boards/{board['id']}"))["status"] == "open"

    @pytest.mark.parametrize(
        "path",
        ["/admin/leads", "/admin/lead-sources", "/admin/clients", "/admin/boards", "/admin/ops/legal/ndas"],
    )
    async def test_every_role_reads_and_nobody_else(self, http: Desk, path: str) -> None:
        for role in Role:
            assert (await http.ask("GET", path, role)).status_code == 200
        assert (await http.client.get(path)).status_code == 401
        assert (await http.client.get(path, headers={"Authorization": "Bearer x"})).status_code == 401
