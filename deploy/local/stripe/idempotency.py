"""Stripe's idempotency of v1: the first status and body are the answer of the key, a 500 included.

Nothing is kept for what never began to execute: parameters that fail validation, and conflicts. A key is forgotten
once it is 24 hours old by the injected clock; used again after that, it is a new request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import takewhile

from deploy.local.stripe.errors import ApiError
from deploy.local.stripe.transport import Answer, Request

KEPT_SECONDS = 24 * 3600
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Kept:
    path: str
    fingerprint: bytes
    since: int
    answer: Answer


Scope = tuple[str | None, str]
"""A key belongs to one account: the platform's, or the one the `Stripe-Account` header names."""


@dataclass(slots=True)
class Claim:
    """A key while its request executes: a second request with the key is refused until it is released."""

    ledger: "KeyLedger"
    scope: Scope | None
    path: str
    fingerprint: bytes
    replay: Answer | None = None

    def keep(self, answer: Answer) -> None:
        if self.scope is not None:
            self.ledger.keep(self.scope, self.path, self.fingerprint, answer)

    def release(self) -> None:
        if self.scope is not None:
            self.ledger.in_flight.discard(self.scope)


class KeyLedger:
    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._kept: dict[Scope, Kept] = {}
        self.in_flight: set[Scope] = set()

    def clear(self) -> None:
        self._kept.clear()
        self.in_flight.clear()

    def claim(self, request: Request) -> Claim:
        key = request.headers.get("idempotency-key")
        fingerprint = _fingerprint(request)
        if key is None or request.method != "POST":
            return Claim(self, None, request.path, fingerprint)
        if not key or len(key) > LONGEST_KEY:
            raise ApiError(f"Invalid Idempotency-Key: it must have 1 to {LONGEST_KEY} characters.")
        scope = (request.headers.get("stripe-account"), key)
        return self._open(scope, request.path, fingerprint)

    def keep(self, scope: Scope, path: str, fingerprint: bytes, answer: Answer) -> None:
        self._kept[scope] = Kept(path, fingerprint, self._now(), answer)

    def _open(self, scope: Scope, path: str, fingerprint: bytes) -> Claim:
        self._prune()
        kept = self._kept.get(scope)
        if kept is not None:
            _check_same(kept, path, fingerprint, scope[1])
            return Claim(self, None, path, fingerprint, replay=kept.answer)
        if scope in self.in_flight:
            raise key_in_use(scope[1])
        self.in_flight.add(scope)
        return Claim(self, scope, path, fingerprint)

    def _prune(self) -> None:
        """The clock only moves forward, so the oldest keys are the first."""
        newest_forgotten = self._now() - KEPT_SECONDS
        old = takewhile(lambda entry: entry[1].since <= newest_forgotten, self._kept.items())
        for scope, _kept in list(old):
            del self._kept[scope]

    def __len__(self) -> int:
        return len(self._kept)


def key_in_use(key: str) -> ApiError:
    return ApiError(
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later.",
        status=409,
        code="idempotency_key_in_use",
    )


def _check_same(kept: Kept, path: str, fingerprint: bytes, key: str) -> None:
    if kept.path != path:
        subject = f"for the same endpoint they were first used for ('{path}' vs '{kept.path}')"
    elif kept.fingerprint != fingerprint:
        subject = "with the same parameters they were first used with"
    else:
        return
    raise ApiError(
        f"Keys for idempotent requests can only be used {subject}. Try using a key other than '{key}' if you meant to "
        "execute a different request.",
        type_="idempotency_error",
    )


def _fingerprint(request: Request) -> bytes:
    """The same parameters in another order are the same parameters."""
    return sha256(b"&".join(sorted(request.body.split(b"&")))).digest()
