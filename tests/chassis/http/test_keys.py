"""The key set: cached, refreshed, and hard to abuse."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chassis.http import keys as module
from chassis.http.keys import JwksKeys, KeysUnavailable, public_keys
from tests.kit.identity import TestIdentity


@pytest.fixture
async def own_identity() -> AsyncIterator[TestIdentity]:
    """One whose keys a test may change."""
    with TestIdentity() as identity:
        yield identity


@pytest.fixture
async def keys(own_identity: TestIdentity, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[JwksKeys]:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.2)
    keys = JwksKeys(own_identity.jwks_url)
    yield keys
    await keys.close()


class TestJwksKeys:
    async def test_are_fetched_once_for_many(self, keys: JwksKeys, own_identity: TestIdentity) -> None:
        found = await asyncio.gather(*(keys.key("key-1") for _ in range(20)))
        assert all(isinstance(key, Ed25519PublicKey) for key in found)
        assert own_identity.fetches == 1

    async def test_know_a_new_key_at_its_first_token(self, keys: JwksKeys, own_identity: TestIdentity) -> None:
        await keys.key("key-1")
        own_identity.add_key("key-2")
        assert await keys.key("key-2") is not None

    async def test_honour_an_old_key_until_it_leaves_the_set(
        self, keys: JwksKeys, own_identity: TestIdentity, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own_identity.add_key("key-2")
        assert await keys.key("key-1") is not None
        own_identity.withdraw_key("key-1")
        assert await keys.key("key-1") is not None
        monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
        monkeypatch.setattr(module, "AWAY_SECONDS", 0.0)
        assert await keys.key("key-1") is None
        assert await keys.key("key-2") is not None

    async def test_do_not_hammer_identity_for_ids_that_nobody_knows(
        self, keys: JwksKeys, own_identity: TestIdentity
    ) -> None:
        await keys.key("key-1")
        before = own_identity.fetches
        unknown = await asyncio.gather(*(keys.key(f"invented-{number}") for number in range(50)))
        assert set(unknown) == {None}
        assert own_identity.fetches == before + 1

    async def test_go_on_while_identity_is_away(
        self, keys: JwksKeys, own_identity: TestIdentity, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await keys.key("key-1")
        own_identity.close()
        monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
        monkeypatch.setattr(module, "AWAY_SECONDS", 0.0)
        assert await keys.key("key-1") is not None
        assert await keys.key("key-2") is None

    async def test_that_were_never_fetched_are_neither_yes_nor_no(self) -> None:
        for url in (None, "http://127.0.0.1:9/jwks.json"):
            keys = JwksKeys(url)
            with pytest.raises(KeysUnavailable):
                await keys.key("key-1")
            await keys.close()

    async def test_come_when_identity_comes(self, keys: JwksKeys, own_identity: TestIdentity) -> None:
        url, keys._url = keys._url, "http://127.0.0.1:9/jwks.json"
        with pytest.raises(KeysUnavailable):
            await keys.key("key-1")
        keys._url = url
        assert await keys.key("key-1") is not None


class TestPublicKeys:
    def test_are_the_signing_keys_of_our_kind(self, own_identity: TestIdentity) -> None:
        (ours,) = own_identity.jwks()["keys"]
        others = [{"kty": "RSA", "kid": "r"}, {"kty": "OKP", "crv": "X25519", "kid": "x"}, {**ours, "use": "enc"}]
        assert set(public_keys({"keys": [*others, ours]})) == {"key-1"}
