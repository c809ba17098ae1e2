"""The tokens that the other services' tests are given are what identity's contract says."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt
import pytest

from contracts.identity import AUDIENCE, Capability, Role, TokenClaims
from tests.kit.identity import ISSUER, TestIdentity


@pytest.fixture
def identity() -> Iterator[TestIdentity]:
    with TestIdentity() as serving:
        yield serving


def verify(identity: TestIdentity, token: str) -> dict[str, Any]:
    keys = jwt.PyJWKSet.from_dict(httpx.get(identity.jwks_url).json())
    kid = jwt.get_unverified_header(token)["kid"]
    return jwt.decode(token, keys[kid], algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISSUER)


class TestTokens:
    def test_a_token_verifies_by_the_served_keys_and_has_every_claim(self, identity: TestIdentity) -> None:
        claims = verify(identity, identity.token_of(Role.ADMIN))
        assert set(claims) == set(TokenClaims.__annotations__)
        assert set(claims["capabilities"]) == Role.ADMIN.capabilities
        assert claims["roles"] == ["admin"]

    def test_capabilities_and_the_second_factor_are_the_callers_to_choose(self, identity: TestIdentity) -> None:
        factor = datetime(2026, 1, 2, tzinfo=UTC)
        claims = verify(identity, identity.token([Capability.READ_OPS], mfa_at=factor))
        assert claims["capabilities"] == ["read_ops"]
        assert claims["mfa_at"] == int(factor.timestamp())

    def test_a_second_key_signs_once_it_is_published(self, identity: TestIdentity) -> None:
        identity.add_key("key-2")
        assert verify(identity, identity.token_of(Role.EDITOR, kid="key-2"))["roles"] == ["editor"]
        identity.withdraw_key("key-2")
        with pytest.raises(KeyError):
            verify(identity, identity.token_of(Role.EDITOR, kid="key-2"))

    @pytest.mark.parametrize(
        "fault", ["expired_token", "forged_token", "tampered_token", "unsigned_token", "symmetric_token"]
    )
    def test_a_faulty_token_does_not_verify(self, identity: TestIdentity, fault: str) -> None:
        with pytest.raises(jwt.InvalidTokenError):
            verify(identity, getattr(identity, fault)())
