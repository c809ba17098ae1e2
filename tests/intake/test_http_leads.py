"""Leads over HTTP: what sources hand in and get back, what operators see and do."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from chassis.clock import FixedClock
from chassis.ids import new_id
from contracts.identity import Role
from tests.intake.desk import Desk, answering, faults
from tests.intake.samples import LEAD_EVENTS, NOW, count, rows, submission
from tests.kit.databases import RolledBackDatabase
from tests.kit.identity import TestIdentity, bearer

ADDRESS = {"street": "12 Cadogan Street", "suburb": "Marrickville", "state": "NSW", "postcode": "2204"}


class TestSubmitLead:
    async def test_is_accepted_with_an_id_a_status_and_where_to_ask(self, http: Desk) -> None:
        key = await http.new_source()
        answer = await http.submit(key)
        assert answer.status_code == 202
        lead = answer.json()
        assert lead == {"id": str(UUID(lead["id"])), "status": "received", "test": False}
        assert answer.headers["location"] == f"/leads/{lead['id']}"
        assert "idempotent-replayed" not in answer.headers
        progress = await http.client.get(answer.headers["location"], headers=bearer(key))
        assert progress.json() == {
            "id": lead["id"],
            "test": False,
            "status": "received",
            "outcome": None,
            "received_at": "2026-03-03T02:15:04Z",
            "status_since": "2026-03-03T02:15:04Z",
            "delivered_at": None,
        }

    async def test_screening_makes_it_routable_and_the_first_answer_stays(self, http: Desk, clock: FixedClock) -> None:
        key = await http.new_source()
        first = await http.submit(key)
        clock.advance(timedelta(seconds=1))
        await http.screen()
        progress = (await http.client.get(first.headers["location"], headers=bearer(key))).json()
        assert (progress["status"], progress["status_since"]) == ("routable", "2026-03-03T02:15:05Z")
        assert (await http.submit(key)).json() == first.json()

    async def test_keeps_the_normal_form_and_where_the_consent_came_from(
        self, http: Desk, database: RolledBackDatabase
    ) -> None:
        await http.submit(await http.new_source())
        (lead,) = await rows(database, "SELECT name, email, phone FROM leads")
        assert lead == {"name": "Mia O'Brien", "email": "mia.obrien@example.test", "phone": "+61412345678"}
        (consent,) = await rows(database, "SELECT remote_address, given_at FROM consents")
        assert consent == {"remote_address": "203.0.113.9", "given_at": NOW}

    async def test_repeated_gets_the_first_answer_again(self, http: Desk, database: RolledBackDatabase) -> None:
        key = await http.new_source()
        first = await http.submit(key)
        again = await http.submit(key, name="Mia O'Brien", phone="+61 412 345 678")
        assert (again.status_code, again.content) == (202, first.content)
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["idempotent-replayed"] == "true"
        assert await count(database, "leads") == 1

    async def test_other_content_under_the_same_key_is_refused(self, http: Desk) -> None:
        key = await http.new_source()
        first = await http.submit(key)
        answer = await http.submit(key, name="Another Person")
        assert answer.status_code == 409
        assert answer.json()["type"].endswith(":submission_key_reused")
        assert answer.json()["lead_id"] == first.json()["id"]

    async def test_the_header_may_carry_the_key(self, http: Desk) -> None:
        key = await http.new_source()
        by_header = await http.submit(key, client_submission_key=None, headers={"Idempotency-Key": "form-1"})
        by_body = await http.submit(key, client_submission_key="form-1")
        by_both = await http.submit(key, client_submission_key="form-1", headers={"Idempotency-Key": "form-1"})
        assert by_header.status_code == 202
        assert by_header.json() == by_body.json() == by_both.json()

    async def test_header_and_body_must_agree(self, http: Desk) -> None:
        key = await http.new_source()
        answer = await http.submit(key, headers={"Idempotency-Key": "another"}, phone="12")
        assert answer.status_code == 422
        assert faults(answer) == {"client_submission_key": "submission_keys_differ", "phone": "phone_invalid"}

    async def test_one_requests_header_is_no_key_for_the_next(self, http: Desk) -> None:
        key = await http.new_source()
        await http.submit(key, client_submission_key=None, headers={"Idempotency-Key": "form-1"})
        answer = await http.submit(key, client_submission_key=None)
        assert faults(answer) == {"client_submission_key": "missing"}

    async def test_html_and_sql_are_text_and_stay_as_they_are(self, http: Desk, database: RolledBackDatabase) -> None:
        text = "<script>alert(1)</script>'; DROP TABLE leads;--"
        address = ADDRESS | {"street": text, "suburb": text}
        consent = {"text": text, "url": "https://quotes.example/?q='--"}
        answer = await http.submit(await http.new_source(), name=text, address=address, consent=consent)
        assert answer.status_code == 202
        (lead,) = await rows(
            database, "SELECT l.name, street, suburb, c.text FROM leads l JOIN consents c ON c.lead_id = l.id"
        )
        assert set(lead.values()) == {text}


class TestBadSubmissions:
    @pytest.mark.parametrize("phone", ["+43 1111", "+49 30 123456789012"])
    async def test_a_number_that_its_country_allows_and_we_cannot_keep_is_told(self, http: Desk, phone: str) -> None:
        answer = await http.submit(await http.new_source(), phone=phone)
        assert (answer.status_code, faults(answer)) == (422, {"phone": "phone_invalid"})

    async def test_every_fault_is_told_at_once_and_nothing_is_written(
        self, http: Desk, database: RolledBackDatabase
    ) -> None:
        key = await http.new_source()
        body = submission(
            client_submission_key=" ",
            selected_path="cheapest",
            service="<b>",
            name=" ",
            email="mia",
            phone="12345",
            address={"street": "x" * 201, "suburb": 7, "state": "NZ", "postcode": "22040"},
            consent={"text": "", "url": "javascript:alert(1)"},
            colour="red",
        )
        answer = await http.submit(key, body)
        assert answer.status_code == 422
        assert faults(answer) == {
            "client_submission_key": "string_pattern_mismatch",
            "selected_path": "enum",
            "service": "service_invalid",
            "name": "string_too_short",
            "email": "email_invalid",
            "phone": "phone_invalid",
            "address.street": "string_too_long",
            "address.suburb": "string_type",
            "address.state": "enum",
            "address.postcode": "string_too_long",
            "consent.text": "string_too_short",
            "consent.url": "url_invalid",
            "colour": "extra_forbidden",
        }
        problem = answer.json()
        assert {"type", "title", "status", "detail", "request_id"} < set(problem)
        assert all(set(fault) == {"field", "code", "message"} for fault in problem["errors"])
        assert (await count(database, "leads"), await count(database, LEAD_EVENTS)) == (0, 0)

    async def test_everything_missing_is_told_at_once(self, http: Desk) -> None:
        answer = await http.submit(await http.new_source(), body={})
        assert set(faults(answer).values()) == {"missing"}
        assert set(faults(answer)) == {
            *("client_submission_key", "selected_path", "service", "name", "email", "phone", "address", "consent")
        }

    @pytest.mark.parametrize(
        ("state", "postcode", "code"),
        [("VIC", "2204", "postcode_state_mismatch"), ("NSW", "0300", "postcode_unknown")],
    )
    async def test_a_postcode_of_another_state_is_refused(
        self, http: Desk, state: str, postcode: str, code: str
    ) -> None:
        address = ADDRESS | {"state": state, "postcode": postcode}
        answer = await http.submit(await http.new_source(), address=address)
        assert faults(answer) == {"address.postcode": code}

    @pytest.mark.parametrize("name", ["Mia\\u0000", "Mia\\ud800", "\\udfffMia"])
    async def test_nul_and_lone_surrogates_are_refused(self, http: Desk, name: str) -> None:
        key = await http.new_source()
        raw = json.dumps(submission(name="NAME")).replace("NAME", name)
        headers = bearer(key) | {"Content-Type": "application/json"}
        answer = await http.client.post("/leads", content=raw, headers=headers)
        assert (answer.status_code, faults(answer)) == (422, {"name": "string_unsayable"})

    @pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff", b'"lead"'])
    async def test_what_is_no_lead_is_refused(self, http: Desk, raw: bytes) -> None:
        key = await http.new_source()
        headers = bearer(key) | {"Content-Type": "application/json"}
        answer = await http.client.post("/leads", content=raw, headers=headers)
        assert answer.status_code in (400, 422)
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_more_than_64_kib_are_refused(self, http: Desk) -> None:
        answer = await http.submit(await http.new_source(), name="x" * 65_536)
        assert answer.status_code == 413

    @pytest.mark.parametrize("email", ["Mia <mia@example.test>", "mia@example.test, x@example.test"])
    async def test_an_address_is_one_address(self, http: Desk, email: str) -> None:
        assert faults(await http.submit(await http.new_source(), email=email)) == {"email": "email_invalid"}


class TestWhoMaySubmit:
    async def test_an_unknown_key_is_refused_before_the_body_is_read(self, http: Desk) -> None:
        answer = await http.submit("wbk_abcdefgh1234_" + "s" * 43, body={})
        assert answer.status_code == 401
        assert answer.json()["type"].endswith(":source_unknown")
        assert "www-authenticate" in answer.headers

    async def test_no_key_at_all_is_refused(self, http: Desk) -> None:
        answer = await http.client.post("/leads", json=submission())
        assert answer.json()["type"].endswith(":api_key_missing")

    async def test_an_operators_token_is_no_key(self, http: Desk) -> None:
        answer = await http.ask("POST", "/leads", Role.SUPER_ADMIN, json=submission())
        assert answer.json()["type"].endswith(":source_unknown")

    async def test_a_revoked_source_is_refused_at_once(self, http: Desk) -> None:
        key = await http.new_source()
        await http.submit(key)
        (source,) = (await http.get("/admin/lead-sources"))["items"]
        await http.ask("POST", f"/admin/lead-sources/{source['id']}/revoke")
        for answer in (await http.submit(key), await http.submit(key, body={})):
            assert answer.status_code == 401
            assert answer.json()["type"].endswith(":source_revoked")

    async def test_a_source_sees_its_own_leads_alone(self, http: Desk) -> None:
        lead = (await http.submit(await http.new_source("One"))).headers["location"]
        other = await http.new_source("Other")
        assert (await http.client.get(lead, headers=bearer(other))).status_code == 404
        assert (await http.client.get(f"/leads/{new_id()}", headers=bearer(other))).status_code == 404
        assert (await http.client.get(lead)).status_code == 401


class TestRemoteAddress:
    @pytest.mark.parametrize(("peer", "address"), [("203.0.113.9", "203.0.113.9"), ("10.1.2.3", "198.51.100.7")])
    async def test_is_the_peer_or_what_a_named_proxy_says(
        self, database: RolledBackDatabase, identity: TestIdentity, clock: FixedClock, peer: str, address: str
    ) -> None:
        """As uvicorn does it with FORWARDED_ALLOW_IPS=10.0.0.0/8: the last address that is no proxy of ours."""
        async with answering(database, identity, clock, peer=peer, proxies="10.0.0.0/8") as desk:
            key = await desk.new_source()
            await desk.submit(key, headers={"X-Forwarded-For": "192.0.2.66, 198.51.100.7, 10.9.9.9"})
        (consent,) = await rows(database, "SELECT remote_address FROM consents")
        assert consent["remote_address"] == address

    async def test_without_named_proxies_it_is_the_peer(self, http: Desk, database: RolledBackDatabase) -> None:
        await http.submit(await http.new_source(), headers={"X-Forwarded-For": "198.51.100.7"})
        (consent,) = await rows(database, "SELECT remote_address FROM consents")
        assert consent["remote_address"] == "203.0.113.9"


class TestOperatorsLeads:
    async def test_shows_all_of_a_lead(self, http: Desk) -> None:
        lead = (await http.submit(await http.new_source())).json()["id"]
        await http.screen()
        shown = await http.get(f"/admin/leads/{lead}")
        assert (shown["phone"], shown["street"], shown["submission_key"]) == (
            "+61412345678",
            "12 Cadogan Street",
            "form-7731",
        )
        assert shown["consent"]["text"] == "I agree to be called about quotes."
        assert [step["to_status"] for step in shown["history"]] == ["routable"]

    async def test_pages_through_all_newest_first(self, http: Desk, clock: FixedClock) -> None:
        key = await http.new_source()
        made = []
        for number in range(5):
            made.append((await http.submit(key, client_submission_key=f"k{number}")).json()["id"])
            clock.advance(timedelta(minutes=number % 2))
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await http.get("/admin/leads", limit=2, **cursor)
            seen += [lead["id"] for lead in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert seen == made[::-1]

    @pytest.mark.parametrize(
        ("parameters", "found"),
        [
            ({"status": "routable"}, 2),
            ({"status": "received"}, 0),
            ({"status": "delivered"}, 0),
            ({"status": ["delivered", "routable", "routable"]}, 2),
            ({"status": ["delivered", "received"]}, 0),
            ({"path": "recommended_installer"}, 1),
            ({"state": "VIC"}, 1),
            ({"postcode": "2204"}, 1),
            ({"suburb": "marrickVILLE"}, 1),
            ({"suburb": "Marrick"}, 0),
            ({"received_from": "2026-03-03T02:15:04Z", "received_to": "2026-03-04T00:00:00Z"}, 2),
            ({"received_to": "2026-03-03T02:15:04Z"}, 0),
            ({"source_id": str(new_id())}, 0),
        ],
    )
    async def test_filters(self, http: Desk, parameters: dict[str, Any], found: int) -> None:
        key = await http.new_source()
        await http.submit(key)
        address = {"street": "1 Bourke Street", "suburb": "Melbourne", "state": "VIC", "postcode": "3000"}
        await http.submit(key, client_submission_key="b", selected_path="recommended_installer", address=address)
        await http.screen()
        assert len((await http.get("/admin/leads", **parameters))["items"]) == found

    async def test_filters_by_source(self, http: Desk) -> None:
        for name in ("One", "Other"):
            await http.submit(await http.new_source(name))
        (other, _one) = (await http.get("/admin/lead-sources"))["items"]
        (lead,) = (await http.get("/admin/leads", source_id=other["id"]))["items"]
        assert lead["source_id"] == other["id"]

    @pytest.mark.parametrize(
        "parameters",
        [
            {"status": "lost"},
            {"postcode": "22"},
            {"source_id": "x"},
            {"received_from": "2026-03-03"},
            {"received_to": "0001-01-01T00:00:00+14:00"},
            {"colour": "red"},
        ],
    )
    async def test_refuses_filters_that_cannot_be(self, http: Desk, parameters: dict[str, str]) -> None:
        answer = await http.ask("GET", "/admin/leads", params=parameters)
        assert answer.status_code == 422
        # Of what may be named more than once the fault says which one it is: `status.0`.
        assert {field.partition(".")[0] for field in faults(answer)} == set(parameters)

    async def test_closes_one_with_a_reason_once(self, http: Desk) -> None:
        lead = (await http.submit(await http.new_source())).json()["id"]
        await http.screen()
        first = await http.ask("POST", f"/admin/leads/{lead}/close", Role.EDITOR, json={"reason_code": "duplicate"})
        again = await http.ask("POST", f"/admin/leads/{lead}/close", json={"reason_code": "other", "reason": "x"})
        assert (first.json()["status"], first.json()["close_reason"]) == ("closed", "duplicate")
        assert again.json() == first.json()

    async def test_needs_a_reason_to_close(self, http: Desk) -> None:
        answer = await http.ask("POST", f"/admin/leads/{new_id()}/close", json={"reason_code": "felt_like_it"})
        assert faults(answer) == {"reason_code": "enum"}

    @pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/close")])
    async def test_does_not_know_a_lead_that_is_not_there(self, http: Desk, method: str, path: str) -> None:
        body = {"reason_code": "other"} if method == "POST" else None
        answer = await http.ask(method, f"/admin/leads/{new_id()}{path}", json=body)
        assert answer.status_code == 404
