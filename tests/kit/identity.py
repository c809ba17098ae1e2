"""An identity service for the tests of all the others: real keys, a real JWKS over HTTP, tokens of every kind.

`with TestIdentity() as identity:` serves `identity.jwks_url` (give it to a service as `IDENTITY_JWKS_URL`) and
`identity.headers(role)` is what an operator of that role sends.
"""

import json
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from chassis.ids import new_id
from contracts.identity import AUDIENCE, Capability, Role, TokenClaims

ISSUER = "waybill-identity"


CSRF = "what-the-forms-of-every-test-carry"


class TestIdentity:
    """Tokens are as identity makes them, and every fault that a token can have can be asked for."""

    __test__ = False  # not a class of tests, whatever its name says

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.fetches = 0
        """How often the JWKS was fetched."""
        self._private: dict[str, Ed25519PrivateKey] = {}
        self._published: list[str] = []
        self.kid = self.add_key("key-1")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_JwksHandler, self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def jwks_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/.well-known/jwks.json"

    def jwks(self) -> dict[str, Any]:
        return {"keys": [_public_jwk(kid, self._private[kid]) for kid in self._published]}

    def add_key(self, kid: str, *, publish: bool = True) -> str:
        """One more key; `token(kid=...)` signs by it. Unpublished keys sign tokens that nobody can verify."""
        self._private[kid] = Ed25519PrivateKey.generate()
        if publish:
            self._published.append(kid)
        return kid

    def withdraw_key(self, kid: str) -> None:
        """It is gone from the JWKS, and can still sign."""
        self._published.remove(kid)

    def token(
        self,
        capabilities: Iterable[Capability] = (),
        *,
        mfa_at: datetime | None = None,
        expires_in: int = 600,
        kid: str | None = None,
        operator_id: UUID | None = None,
        name: str = "Robin Field",
        roles: Iterable[Role] = (),
        **claims: Any,
    ) -> str:
        """A token issued now whose second factor is `mfa_at` (now unless given); `claims` replace or add any other.

        A claim given as None is left out.
        """
        now = datetime.now(UTC)
        standard: TokenClaims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": str(operator_id or new_id()),
            "sid": str(new_id()),
            "jti": str(new_id()),
            "name": name,
            "roles": sorted(roles),
            "capabilities": sorted(capabilities),
            "mfa_at": int((mfa_at or now).timestamp()),
            "csrf": CSRF,
            "iat": int(now.timestamp()) + min(expires_in, 0),
            "exp": int(now.timestamp()) + expires_in,
        }
        payload = {name: value for name, value in {**standard, **claims}.items() if value is not None}
        return self.sign(payload, kid or self.kid)

    def sign(self, payload: dict[str, Any], kid: str) -> str:
        return jwt.encode(payload, self._private[kid], algorithm="EdDSA", headers={"kid": kid})

    def token_of(self, role: Role, **options: Any) -> str:
        """As an operator of `role` carries it; `options` as for `token`."""
        return self.token(role.capabilities, **{"roles": [role], **options})

    def headers(self, role: Role = Role.SUPER_ADMIN, **options: Any) -> dict[str, str]:
        return bearer(self.token_of(role, **options))

    def stale_headers(self, role: Role = Role.SUPER_ADMIN) -> dict[str, str]:
        """A valid token whose second factor is an hour old: too old for step-up."""
        return self.headers(role, mfa_at=datetime.fromtimestamp(datetime.now(UTC).timestamp() - 3600, UTC))

    def expired_token(self, role: Role = Role.SUPER_ADMIN) -> str:
        return self.token_of(role, expires_in=-3600)

    def forged_token(self, role: Role = Role.SUPER_ADMIN) -> str:
        """Signed by another's key under a `kid` that is published."""
        token = self.token_of(role)
        payload = jwt.decode(token, options={"verify_signature": False})
        return jwt.encode(payload, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": self.kid})

    def tampered_token(self, role: Role = Role.EDITOR) -> str:
        """A true signature under claims that were changed to a super admin's."""
        head, _, signature = self.token_of(role).split(".")
        _, body, _ = self.token_of(Role.SUPER_ADMIN).split(".")
        return f"{head}.{body}.{signature}"

    def unsigned_token(self, role: Role = Role.SUPER_ADMIN) -> str:
        """The old trick: `alg` none."""
        payload = jwt.decode(self.token_of(role), options={"verify_signature": False})
        return jwt.encode(payload, "", algorithm="none", headers={"kid": self.kid})

    def symmetric_token(self, role: Role = Role.SUPER_ADMIN) -> str:
        """The other old trick: HMAC with the public key as its secret."""
        payload = jwt.decode(self.token_of(role), options={"verify_signature": False})
        public = _public_jwk(self.kid, self._private[self.kid])["x"]
        return jwt.encode(payload, str(public), algorithm="HS256", headers={"kid": self.kid})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _public_jwk(kid: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    return {**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", "alg": "EdDSA"}


class _JwksHandler(BaseHTTPRequestHandler):
    def __init__(self, identity: TestIdentity, *arguments: Any) -> None:
        self._identity = identity
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self._identity.fetches += 1
        body = json.dumps(self._identity.jwks()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_arguments: Any) -> None:  # noqa: A002  # the name is http.server's
        """The tests' output is theirs."""
