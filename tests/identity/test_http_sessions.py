"""Sessions over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chassis.http.auth import Authenticator
from chassis.http.keys import JwksKeys
from contracts.identity import Role
from services.identity.models import OperatorSession
from tests.identity.house import PASSWORD
from tests.identity.web import Web, code_of
from tests.kit.identity import TestIdentity, bearer

pytestmark = pytest.mark.slow


async def refresh(web: Web, token: str) -> Any:
    return await web.client.post("/sessions/refresh", json={"refresh_token": token})


class TestSignIn:
    async def test_answers_with_all_that_a_client_needs(self, web: Web) -> None:
        person = await web.house.person(Role.EDITOR)
        answer = await web.sign_in(person)
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        granted = answer.json()
        assert granted["token_type"] == "Bearer"
        assert granted["operator"] == {
            "id": str(person.id),
            "email": person.email,
            "name": person.name,
            "role": "editor",
            "capabilities": ["read_ops", "write_routing"],
        }
        now = web.house.clock.now()
        assert datetime.fromisoformat(granted["mfa_at"]) == now
        assert datetime.fromisoformat(granted["expires_at"]) == now.replace(microsecond=0) + timedelta(minutes=10)
        assert {"access_token", "refresh_token", "session_id"} < set(granted)

    async def test_answers_alike_whatever_is_wrong(self, web: Web) -> None:
        person = await web.house.person()
        answers = [
            await web.sign_in(person, email="nobody@waybill.example"),
            await web.sign_in(person, email="no e-mail at all"),
            await web.sign_in(person, password="not this one"),
            await web.sign_in(person, totp_code="000000"),
        ]
        told = [{**answer.json(), "request_id": None} for answer in answers]
        assert {answer.status_code for answer in answers} == {401}
        assert code_of(answers[0]) == "invalid_credentials"
        assert all(each == told[0] for each in told)
        assert {tuple(sorted(answer.headers)) for answer in answers} == {tuple(sorted(answers[0].headers))}

    async def test_refuses_a_code_that_was_used(self, web: Web) -> None:
        person = await web.house.person()
        await web.sign_in(person)
        assert (await web.sign_in(person)).status_code == 401

    async def test_says_when_to_come_again(self, web: Web) -> None:
        person = await web.house.person()
        for _ in range(10):
            assert (await web.sign_in(person, password="not this one")).status_code == 401
        answer = await web.sign_in(person)
        assert (answer.status_code, code_of(answer)) == (429, "too_many_attempts")
        assert answer.headers["retry-after"] == "900"

    async def test_names_every_fault_of_a_body_and_repeats_no_secret(self, web: Web) -> None:
        body = {"email": "", "password": "x" * 2000, "totp_code": "12345x", "remember": True}
        answer = await web.client.post("/sessions", json=body)
        assert answer.status_code == 422
        assert {fault["field"] for fault in answer.json()["errors"]} == {"email", "password", "totp_code", "remember"}
        assert "xxxx" not in answer.text

    @pytest.mark.parametrize("password", ["a\u0000b", "\ud800", "<script>", "' OR 1=1 --"])
    async def test_takes_no_harm_from_any_text(self, web: Web, password: str) -> None:
        person = await web.house.person()
        content = (
            f'{{"email": "{person.email}", "password": {ascii_json(password)}, '
            f'"totp_code": "{person.code(web.house.clock)}"}}'
        )
        answer = await web.client.post("/sessions", content=content, headers={"content-type": "application/json"})
        assert answer.status_code in {401, 422}

    async def test_a_space_at_the_end_of_a_password_is_a_part_of_it(self, web: Web) -> None:
        person = await web.house.person()
        assert (await web.sign_in(person, password=f"{PASSWORD} ")).status_code == 401


def ascii_json(text: str) -> str:
    return '"' + "".join(f"\\u{ord(letter):04x}" for letter in text) + '"'


class TestRefresh:
    async def test_gives_the_same_shape_with_the_next_token(self, web: Web) -> None:
        granted = await web.session()
        answer = await refresh(web, granted["refresh_token"])
        assert (answer.status_code, set(answer.json())) == (200, set(granted))
        assert answer.json()["refresh_token"] != granted["refresh_token"]

    async def test_a_used_token_revokes_the_session_although_it_is_refused(self, web: Web) -> None:
        granted = await web.session()
        following = (await refresh(web, granted["refresh_token"])).json()
        reused = await refresh(web, granted["refresh_token"])
        assert (reused.status_code, code_of(reused)) == (401, "invalid_refresh_token")
        assert code_of(await refresh(web, following["refresh_token"])) == "session_ended"
        current = await web.client.get("/sessions/current", headers=bearer(following["access_token"]))
        assert (current.status_code, code_of(current)) == (401, "session_ended")


class TestStepUp:
    async def test_opens_what_a_stale_second_factor_does_not(self, web: Web) -> None:
        person = await web.house.person(Role.SUPER_ADMIN)
        granted = (await web.sign_in(person)).json()
        await age_second_factor(web, granted["session_id"])
        stale = bearer((await refresh(web, granted["refresh_token"])).json()["access_token"])
        refused = await rotate(web, stale)
        assert (refused.status_code, code_of(refused)) == (403, "step_up_required")
        code = person.code(web.house.clock, steps=1)
        stepped = await web.client.post("/sessions/step-up", json={"totp_code": code}, headers=stale)
        assert stepped.status_code == 200, stepped.text
        assert set(stepped.json()) == set(granted) - {"refresh_token"}
        assert (await rotate(web, bearer(stepped.json()["access_token"]))).status_code == 200

    async def test_refuses_the_code_of_the_sign_in(self, web: Web) -> None:
        person = await web.house.person()
        headers = bearer((await web.sign_in(person)).json()["access_token"])
        code = person.code(web.house.clock)
        answer = await web.client.post("/sessions/step-up", json={"totp_code": code}, headers=headers)
        assert (answer.status_code, code_of(answer)) == (401, "invalid_code")


async def age_second_factor(web: Web, session_id: str) -> None:
    async with web.house.database.transaction() as session:
        row = await session.get_one(OperatorSession, session_id)
        row.mfa_at -= timedelta(minutes=6)


async def rotate(web: Web, headers: dict[str, str]) -> Any:
    return await web.client.post("/admin/signing-keys/rotate", json={"reason": "a test"}, headers=headers)


class TestCurrentSession:
    async def test_shows_who_is_signed_in(self, web: Web) -> None:
        granted = await web.session(Role.ADMIN)
        answer = await web.client.get("/sessions/current", headers=bearer(granted["access_token"]))
        assert answer.status_code == 200
        assert answer.json()["session_id"] == granted["session_id"]
        assert answer.json()["operator"] == granted["operator"]

    async def test_once_ended_its_token_is_refused_here(self, web: Web) -> None:
        headers = await web.headers()
        assert (await web.client.delete("/sessions/current", headers=headers)).status_code == 204
        assert (await web.client.get("/sessions/current", headers=headers)).status_code == 401
        assert (await web.client.get("/admin/operators", headers=headers)).status_code == 401
        assert (await web.client.delete("/sessions/current", headers=headers)).status_code == 204

    async def test_refuses_a_token_of_another_signer(self, web: Web) -> None:
        with TestIdentity() as stranger:
            answer = await web.client.get("/sessions/current", headers=stranger.headers())
        assert (answer.status_code, code_of(answer)) == (401, "not_signed_in")


class TestJwks:
    async def test_is_public_and_may_be_cached(self, web: Web) -> None:
        await web.session()
        answer = await web.client.get("/.well-known/jwks.json")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=300")
        (key,) = answer.json()["keys"]
        assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
        assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("OKP", "Ed25519", "sig", "EdDSA")

    async def test_an_empty_one_is_not_cached(self, web: Web) -> None:
        answer = await web.client.get("/.well-known/jwks.json")
        assert (answer.json(), answer.headers["cache-control"]) == ({"keys": []}, "public, max-age=0")

    async def test_others_verify_by_it_through_a_rotation_without_asking_again(self, web: Web) -> None:
        """The set that a service fetched before the new key signs has that key already."""
        granted = await web.session(Role.SUPER_ADMIN)
        rotated = await rotate(web, bearer(granted["access_token"]))
        keys = JwksKeys("http://identity.test/.well-known/jwks.json", web.client)
        elsewhere = Authenticator(keys, issuer="waybill-identity", step_up_seconds=300)
        assert str((await elsewhere.verify(granted["access_token"])).id) == granted["operator"]["id"]
        requests = count_requests(web)
        token = await token_signed_by_the_next_key(web, granted["refresh_token"])
        assert (await keys.key(rotated.json()["kid"])) is not None
        assert requests == ["/sessions/refresh"]
        assert token

    async def test_a_compromised_key_verifies_nothing_here_at_once(self, web: Web) -> None:
        headers = await web.headers()
        body = {"reason": "it was seen in a log", "is_compromised": True}
        answer = await web.client.post("/admin/signing-keys/rotate", json=body, headers=headers)
        assert answer.status_code == 200
        assert (await web.client.get("/sessions/current", headers=headers)).status_code == 401


def count_requests(web: Web) -> list[str]:
    paths: list[str] = []

    async def note(request: Any) -> None:
        paths.append(request.url.path)

    web.client.event_hooks["request"].append(note)
    return paths


async def token_signed_by_the_next_key(web: Web, refresh_token: str) -> str:
    web.house.clock.advance(timedelta(minutes=15))
    answer = await refresh(web, refresh_token)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token
