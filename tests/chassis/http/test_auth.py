"""Tokens of every kind, and the guard on every route."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chassis.http.auth import AUDIENCE, MOST_VERIFIED, Authenticator, NotSignedIn, Operator, public
from chassis.http.keys import JwksKeys
from chassis.ids import new_id
from contracts import identity as contract
from contracts.identity import Capability, Role
from tests.chassis.http import example
from tests.kit.eventually import eventually
from tests.kit.identity import ISSUER, TestIdentity, bearer

# Later than any run of these tests: an instant of their collection passes while they wait for their turn.
A_FAR_FUTURE = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())

THING = f"/things/{example.KNOWN_ID}"


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rsplit(":", 1)[-1]


class TestToken:
    def test_names_the_operator(self, client: httpx.Client, identity: TestIdentity) -> None:
        operator_id, session_id = new_id(), new_id()
        token = identity.token(operator_id=operator_id, name="Robin Field", sid=str(session_id))
        answer = client.get("/me", headers=bearer(token))
        assert answer.json() == {"id": str(operator_id), "name": "Robin Field", "session_id": str(session_id)}

    def test_is_for_the_audience_of_the_contract(self) -> None:
        assert AUDIENCE == contract.AUDIENCE

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
    def test_comes_with_any_spelling_of_bearer(self, client: httpx.Client, identity: TestIdentity, scheme: str) -> None:
        assert client.get("/me", headers={"Authorization": f"{scheme} {identity.token()}"}).status_code == 200

    @pytest.mark.parametrize("header", [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}])
    def test_that_is_not_there(self, client: httpx.Client, header: dict[str, str]) -> None:
        answer = client.get("/me", headers=header)
        assert code_of(answer) == (401, "not_signed_in")
        assert answer.headers["www-authenticate"] == 'Bearer realm="waybill"'

    @pytest.mark.parametrize(
        "make",
        [
            TestIdentity.expired_token,
            TestIdentity.forged_token,
            TestIdentity.tampered_token,
            TestIdentity.unsigned_token,
            TestIdentity.symmetric_token,
        ],
    )
    def test_that_is_not_to_be_believed(self, client: httpx.Client, identity: TestIdentity, make: Any) -> None:
        assert code_of(client.get("/me", headers=bearer(make(identity)))) == (401, "not_signed_in")

    @pytest.mark.parametrize("token", ["x", "a.b.c", "é", "..", "x" * 9_000, "eyJhbGciOiJFZERTQSJ9.e30.x"])
    def test_that_is_none(self, client: httpx.Client, token: str) -> None:
        header = (b"Authorization", f"Bearer {token}".encode("latin-1"))
        assert code_of(client.get("/me", headers=[header])) == (401, "not_signed_in")

    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "someone-else"},
            {"aud": "another"},
            {"aud": ["waybill", "another"]},
            {"sub": "robin"},
            {"sid": None},
            {"sub": None},
            {"jti": None},
            {"iat": None},
            {"exp": None},
            {"mfa_at": None},
            {"mfa_at": "yesterday"},
            {"mfa_at": -1},
            {"mfa_at": 10**15},
            {"name": 7},
            {"capabilities": "read_ops"},
            {"iat": A_FAR_FUTURE},
            {"nbf": A_FAR_FUTURE},
        ],
    )
    def test_with_a_wrong_claim(self, client: httpx.Client, identity: TestIdentity, claims: dict[str, Any]) -> None:
        payload = {**jwt.decode(identity.token(), options={"verify_signature": False}), **claims}
        kept = {name: value for name, value in payload.items() if value is not None}
        token = identity.sign(kept, identity.kid)
        assert code_of(client.get("/me", headers=bearer(token))) == (401, "not_signed_in")

    def test_just_expired_is_believed_for_a_moment(self, client: httpx.Client, identity: TestIdentity) -> None:
        assert client.get("/me", headers=bearer(identity.token(expires_in=-2))).status_code == 200
        assert client.get("/me", headers=bearer(identity.token(expires_in=-9))).status_code == 401

    def test_with_another_kind_of_header(self, client: httpx.Client, identity: TestIdentity) -> None:
        payload = jwt.decode(identity.token(), options={"verify_signature": False})
        for kid in (7, "", "k" * 200, None):
            headers = {"kid": kid} if kid is not None else {}
            try:
                token = jwt.encode(payload, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=headers)
            except jwt.InvalidTokenError:
                continue
            assert client.get("/me", headers=bearer(token)).status_code == 401


class TestGuard:
    def test_lets_in_who_has_the_capability(self, client: httpx.Client, identity: TestIdentity) -> None:
        headers = bearer(identity.token([Capability.READ_OPS]))
        assert client.get(THING, headers=headers).status_code == 200

    def test_names_the_capability_that_is_missing(self, client: httpx.Client, identity: TestIdentity) -> None:
        answer = client.get(THING, headers=bearer(identity.token([Capability.WRITE_ROUTING])))
        assert code_of(answer) == (403, "capability_missing")
        assert answer.json()["capability"] == "read_ops"

    def test_looks_at_no_role(self, client: httpx.Client, identity: TestIdentity) -> None:
        token = identity.token(roles=[Role.SUPER_ADMIN])
        assert code_of(client.get(THING, headers=bearer(token))) == (403, "capability_missing")

    def test_asks_for_a_fresh_second_factor(self, client: httpx.Client, identity: TestIdentity) -> None:
        assert client.delete(THING, headers=identity.headers()).status_code == 204
        assert code_of(client.delete(THING, headers=identity.stale_headers())) == (403, "step_up_required")

    def test_comes_before_anything_is_read(self, client: httpx.Client) -> None:
        assert client.post("/things?x=1", content=b"{").status_code == 401

    def test_must_have_a_reason_to_be_public(self) -> None:
        with pytest.raises(ValueError, match="why it is public"):
            public(" ")


def operator(second_factor_at: datetime) -> Operator:
    return Operator(new_id(), "Robin", new_id(), frozenset(), second_factor_at)


class TestStepUp:
    now = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("age_seconds", "is_fresh"), [(0, True), (299, True), (300, True), (301, False), (-5, True), (-6, False)]
    )
    def test_holds_five_minutes(self, age_seconds: int, is_fresh: bool) -> None:
        authenticator = Authenticator(JwksKeys(None), issuer="x", step_up_seconds=300, now=lambda: self.now)
        at = self.now - timedelta(seconds=age_seconds)
        assert authenticator.has_fresh_second_factor(operator(at)) is is_fresh


class TestVerify:
    async def test_refuses_another_issuer(self, identity: TestIdentity) -> None:
        keys = JwksKeys(identity.jwks_url)
        with pytest.raises(NotSignedIn):
            await Authenticator(keys, issuer="other", step_up_seconds=300).verify(identity.token())
        await keys.close()


class _Keys:
    """One key at a time, in place of a set that is fetched."""

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.shown: Ed25519PublicKey | None = self.private.public_key()

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        return self.shown

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        who = {"sub": str(new_id()), "sid": str(new_id()), "jti": "1", "name": "Robin", "roles": [], "mfa_at": now}
        said = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 600, "capabilities": [], **who, **claims}
        return jwt.encode(said, self.private, algorithm="EdDSA", headers={"kid": "key-1"})


class TestAKnownToken:
    """Its signature is not checked again; all else about it is."""

    async def test_tells_the_same_operator(self) -> None:
        keys = _Keys()
        authenticator = Authenticator(keys, issuer=ISSUER, step_up_seconds=300)
        token = keys.token()
        assert await authenticator.verify(token) is await authenticator.verify(token)

    async def test_is_refused_once_it_has_expired(self) -> None:
        keys = _Keys()
        authenticator = Authenticator(keys, issuer=ISSUER, step_up_seconds=300)
        # Of the five seconds of leeway at least one is left.
        token = keys.token(iat=int(time.time()) - 600, exp=int(time.time()) - 3)
        assert (await authenticator.verify(token)).name == "Robin"

        async def is_refused() -> bool:
            try:
                await authenticator.verify(token)
            except NotSignedIn as refusal:
                return "expired" in str(refusal)
            return False

        assert await eventually(is_refused)

    async def test_is_refused_once_its_key_is_withdrawn(self) -> None:
        keys = _Keys()
        authenticator = Authenticator(keys, issuer=ISSUER, step_up_seconds=300)
        token = keys.token()
        await authenticator.verify(token)
        keys.shown = None
        with pytest.raises(NotSignedIn, match="no key of ours"):
            await authenticator.verify(token)

    async def test_is_refused_once_another_key_has_its_name(self) -> None:
        keys = _Keys()
        authenticator = Authenticator(keys, issuer=ISSUER, step_up_seconds=300)
        token = keys.token()
        await authenticator.verify(token)
        keys.shown = Ed25519PrivateKey.generate().public_key()
        with pytest.raises(NotSignedIn, match="not valid"):
            await authenticator.verify(token)

    async def test_is_forgotten_before_there_are_too_many(self) -> None:
        keys = _Keys()
        authenticator = Authenticator(keys, issuer=ISSUER, step_up_seconds=300)
        first = keys.token()
        known = await authenticator.verify(first)
        for number in range(MOST_VERIFIED):
            await authenticator.verify(keys.token(jti=str(number)))
        assert await authenticator.verify(first) is not known
