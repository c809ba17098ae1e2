"""Access tokens (EdDSA JWT), the keys that sign them, and the opaque tokens that are kept as hashes."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.identity import TokenClaims

ALGORITHM = "EdDSA"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Raw Ed25519 halves of 32 bytes each; the key id is the public half's RFC 7638 thumbprint."""

    kid: str
    public_key: bytes
    private_key: bytes


def new_key_pair() -> KeyPair:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    return KeyPair(_thumbprint(public), public, private.private_bytes_raw())


def public_jwk(kid: str, public_key: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _base64url(public_key), "kid": kid, "use": "sig", "alg": ALGORITHM}


def signed(claims: TokenClaims, kid: str, private_key: bytes) -> str:
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    payload: dict[str, Any] = {**claims}
    return jwt.encode(payload, key, algorithm=ALGORITHM, headers={"kid": kid, "typ": "at+jwt"})


def new_opaque_token() -> str:
    """256 random bits; as nobody can guess it, a plain hash of it is enough at rest."""
    return token_urlsafe(32)


def hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _thumbprint(public_key: bytes) -> str:
    canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{_base64url(public_key)}"}}'
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
