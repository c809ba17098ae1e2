"""Operators over HTTP: who may manage access, and what they do."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import select

from chassis.audit import audit_entries
from chassis.ids import new_id
from contracts.identity import Role
from tests.identity.house import PASSWORD, Person
from tests.identity.web import Web, code_of

pytestmark = pytest.mark.slow

KIM = {"email": "Kim@Waybill.example", "name": "Kim Reed", "role": "editor"}
WHY = {"reason": "a change of duties"}


class TestAccess:
    @pytest.mark.parametrize("role", [Role.ADMIN, Role.EDITOR])
    async def test_is_managed_by_super_admins_alone(self, web: Web, role: Role) -> None:
        headers, operator_id = await web.headers(role), new_id()
        paths = [f"/admin/operators/{operator_id}/{deed}" for deed in ("disable", "enable", "revoke-sessions")]
        answers = [await web.client.get("/admin/operators", headers=headers)]
        answers += [await web.client.post(path, json=WHY, headers=headers) for path in paths]
        assert {(answer.status_code, code_of(answer)) for answer in answers} == {(403, "capability_missing")}


class TestInvite:
    async def test_the_way_from_an_invitation_to_a_session(self, web: Web) -> None:
        invited = await web.client.post("/admin/operators", json=KIM, headers=await web.headers())
        assert (invited.status_code, invited.json()["status"]) == (201, "invited")
        secret = await self.enrol(web, invited.json()["enrolment_token"])
        kim = Person(invited.json()["id"], "kim@waybill.example", "Kim Reed", secret)
        answer = await web.sign_in(kim, totp_code=kim.code(web.house.clock, steps=1))
        assert (answer.status_code, answer.json()["operator"]["role"]) == (201, "editor")

    async def enrol(self, web: Web, token: str) -> str:
        body = {"enrolment_token": token, "password": PASSWORD}
        begun = await web.client.post("/enrolments", json=body)
        assert (begun.status_code, begun.headers["cache-control"]) == (201, "no-store")
        secret: str = parse_qs(urlsplit(begun.json()["provisioning_uri"]).query)["secret"][0]
        code = pyotp.TOTP(secret).at(web.house.clock.now())
        confirmed = await web.client.post("/enrolments/confirm", json={"enrolment_token": token, "totp_code": code})
        assert confirmed.status_code == 204
        return secret

    async def test_tells_all_that_is_wrong(self, web: Web) -> None:
        body = {"email": "kim", "name": "", "role": "owner", "password": "x"}
        answer = await web.client.post("/admin/operators", json=body, headers=await web.headers())
        assert answer.status_code == 422
        assert {fault["field"] for fault in answer.json()["errors"]} == {"email", "name", "role", "password"}

    async def test_refuses_an_email_twice_and_names_whose_it_is(self, web: Web) -> None:
        headers = await web.headers()
        first = await web.client.post("/admin/operators", json=KIM, headers=headers)
        second = await web.client.post("/admin/operators", json=KIM, headers=headers)
        assert (second.status_code, code_of(second)) == (409, "operator_exists")
        assert second.json()["operator_id"] == first.json()["id"]


class TestList:
    async def test_filters_by_role_and_status(self, web: Web) -> None:
        headers = await web.headers()
        await web.client.post("/admin/operators", json=KIM, headers=headers)
        admin, gone = await web.house.person(Role.ADMIN), await web.house.person(Role.EDITOR)
        await web.client.post(f"/admin/operators/{gone.id}/disable", json=WHY, headers=headers)
        assert await self.emails(web, headers, status="invited") == ["kim@waybill.example"]
        assert await self.emails(web, headers, status="disabled") == [gone.email]
        assert await self.emails(web, headers, role="admin", status="active") == [admin.email]

    async def test_comes_in_pages(self, web: Web) -> None:
        headers = await web.headers()
        people = [await web.house.person() for _ in range(3)]
        seen, cursor = [], None
        while True:
            query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = (await web.client.get("/admin/operators", params=query, headers=headers)).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 4
        assert {str(person.id) for person in people} < set(seen)

    async def emails(self, web: Web, headers: dict[str, str], **query: str) -> list[str]:
        answer = await web.client.get("/admin/operators", params=query, headers=headers)
        return [item["email"] for item in answer.json()["items"]]


class TestDetail:
    async def test_shows_the_open_sessions_and_no_secret(self, web: Web) -> None:
        headers, person = await web.headers(), await web.house.person()
        granted = (await web.sign_in(person)).json()
        answer = await web.client.get(f"/admin/operators/{person.id}", headers=headers)
        assert [each["session_id"] for each in answer.json()["sessions"]] == [granted["session_id"]]
        assert not [name for name in answer.json() if "hash" in name or "secret" in name]

    async def test_an_unknown_one_is_not_found(self, web: Web) -> None:
        answer = await web.client.get(f"/admin/operators/{new_id()}", headers=await web.headers())
        assert (answer.status_code, code_of(answer)) == (404, "not_found")


class TestDeeds:
    async def test_each_does_what_it_says_and_is_audited_with_its_request(self, web: Web) -> None:
        headers, person = await web.headers(), await web.house.person(Role.EDITOR)
        place = f"/admin/operators/{person.id}"
        deeds: list[tuple[str, dict[str, Any]]] = [
            ("role", {"role": "admin", **WHY}),
            ("disable", WHY),
            ("enable", WHY),
            ("reset-second-factor", WHY),
        ]
        request_ids = []
        for deed, body in deeds:
            answer = await web.client.post(f"{place}/{deed}", json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            request_ids.append(answer.headers["x-request-id"])
        async with web.house.database.reading() as session:
            wanted = select(audit_entries).where(audit_entries.c.request_id.in_(request_ids))
            rows = (await session.execute(wanted.order_by(audit_entries.c.id))).all()
        assert [row.action for row in rows] == [
            "change_role",
            "disable_operator",
            "enable_operator",
            "reset_second_factor",
        ]
        assert {row.reason_text for row in rows} == {WHY["reason"]}

    async def test_revoking_tells_how_many(self, web: Web) -> None:
        headers, person = await web.headers(), await web.house.person()
        await web.sign_in(person)
        answer = await web.client.post(f"/admin/operators/{person.id}/revoke-sessions", json=WHY, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"revoked": 1})

    async def test_nobody_disables_themselves(self, web: Web) -> None:
        granted = await web.session()
        answer = await web.client.post(
            f"/admin/operators/{granted['operator']['id']}/disable",
            json=WHY,
            headers={"Authorization": f"Bearer {granted['access_token']}"},
        )
        assert (answer.status_code, code_of(answer)) == (409, "own_account")

    async def test_a_reason_is_required(self, web: Web) -> None:
        headers, person = await web.headers(), await web.house.person()
        answer = await web.client.post(f"/admin/operators/{person.id}/disable", json={}, headers=headers)
        assert answer.status_code == 422


class TestOwnCredentials:
    async def test_a_changed_password_ends_the_session(self, web: Web) -> None:
        headers = await web.headers(Role.EDITOR)
        body = {"current_password": PASSWORD, "new_password": "four green lamps in a hall"}
        assert (await web.client.post("/operators/current/password", json=body, headers=headers)).status_code == 204
        assert (await web.client.get("/sessions/current", headers=headers)).status_code == 401

    async def test_a_new_device_is_shown_its_secret_once(self, web: Web) -> None:
        headers = await web.headers(Role.EDITOR)
        answer = await web.client.post("/operators/current/second-factor", headers=headers)
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        assert answer.json()["provisioning_uri"].startswith("otpauth://totp/Waybill:")
