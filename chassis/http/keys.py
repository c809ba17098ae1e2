"""The public keys by which tokens are verified: identity's JWKS, cached, so that no request waits for identity."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from time import monotonic
from typing import Any, Protocol

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chassis.errors import Refusal

log = structlog.get_logger(__name__)

FRESH_SECONDS = 300.0
"""A key that left the set is honoured no longer than this."""
PAUSE_SECONDS = 1.0
"""Between two fetches: unknown key ids, which anyone can invent, cannot make us hammer identity."""
AWAY_SECONDS = 10.0
"""Between two tries to refresh a set that we have while identity is away."""
FETCH_TIMEOUT_SECONDS = 3.0


class KeysUnavailable(Refusal):
    """No key was ever fetched: neither yes nor no can be said."""

    code = "keys_unavailable"
    title = "Identity cannot be reached"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class KeySource(Protocol):
    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The key of that id; None where there is none. Raises KeysUnavailable where that cannot be known."""
        ...


class JwksKeys:
    """Fetches the set on first use, when it is no longer fresh, and for an unknown key id; one fetch at a time.

    While identity is away the keys it published last go on verifying.
    """

    def __init__(self, url: str | None, client: httpx.AsyncClient | None = None) -> None:
        self._url = url
        self._client = client
        self._keys: Mapping[str, Ed25519PublicKey] | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        asked_at = monotonic()
        known = (self._keys or {}).get(kid)
        if known is not None and (not self._is_stale(asked_at) or self._fetching.locked()):
            return known
        async with self._fetching:
            known = (self._keys or {}).get(kid)
            if known is not None and not self._is_stale(asked_at):
                return known
            # A fetch that began after we asked was for us too, whatever came of it.
            if self._tried_at < asked_at and self._may_try(known):
                await self._refresh(known)
        if self._keys is None:
            raise KeysUnavailable("the keys that verify tokens cannot be fetched")
        return self._keys.get(kid)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    def _is_stale(self, now: float) -> bool:
        return now - self._fetched_at > FRESH_SECONDS

    def _may_try(self, known: Ed25519PublicKey | None) -> bool:
        return known is None or monotonic() - self._tried_at > AWAY_SECONDS

    async def _refresh(self, known: Ed25519PublicKey | None) -> None:
        # A new key may be younger than our last fetch, so its first token waits a moment instead of being refused.
        if known is None:
            await asyncio.sleep(max(0.0, self._tried_at + PAUSE_SECONDS - monotonic()))
        self._tried_at = monotonic()
        try:
            self._keys = public_keys(await self._fetch())
        except (httpx.HTTPError, ValueError, KeyError) as fault:
            log.warning("jwks_unavailable", fault=type(fault).__name__, has_keys=self._keys is not None)
        else:
            self._fetched_at = monotonic()

    async def _fetch(self) -> Any:
        if self._url is None:
            raise ValueError("IDENTITY_JWKS_URL is not set")
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=FETCH_TIMEOUT_SECONDS, trust_env=False)
        answer = await self._client.get(self._url)
        answer.raise_for_status()
        return answer.json()


def public_keys(jwks: Any) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 signing keys of a set by key id; keys of other kinds are none of ours."""
    return {
        jwk["kid"]: jwt.PyJWK.from_dict(jwk, "EdDSA").key
        for jwk in jwks["keys"]
        if jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519" and jwk.get("use", "sig") == "sig"
    }
