"""Receivers of webhooks, as an installer would write one by docs/webhooks.md; nothing of Waybill's code is used."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from time import time
from typing import Any

TOLERANCE_SECONDS = 300
OK, UNAUTHORIZED, NOT_FOUND = 200, 401, 404


def is_signed(secrets: list[str], headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """By one of the secrets, and not long ago."""
    try:
        is_recent = abs(now - int(headers["webhook-timestamp"])) <= TOLERANCE_SECONDS
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        given = [each.partition(",")[2] for each in headers["webhook-signature"].split(" ")]
    except (KeyError, ValueError):
        return False
    expected = [_signature(secret, signed) for secret in secrets]
    return is_recent and any(hmac.compare_digest(ours, theirs) for ours in expected for theirs in given)


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


@dataclass
class Receiver:
    """`status` is what it answers where it was told to fail. Ids are kept, people are not."""

    secrets: list[str] = field(default_factory=list)
    status: int | None = None
    leads: set[str] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)
    repeated: int = 0
    unsigned: int = 0
    turned_away: int = 0

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """The number of the answer; the same lead twice is taken once."""
        if not is_signed(self.secrets, headers, body, time()):
            self.unsigned += 1
            return UNAUTHORIZED
        if self.status is not None:
            self.turned_away += 1
            return self.status
        taken = self.tests if json.loads(body)["type"] == "webhook.test" else self.leads
        self.repeated += headers["webhook-id"] in taken
        taken.add(headers["webhook-id"])
        return OK

    def told(self) -> dict[str, Any]:
        return {
            "leads": sorted(self.leads),
            "tests": sorted(self.tests),
            "repeated": self.repeated,
            "unsigned": self.unsigned,
            "turned_away": self.turned_away,
        }


class Receivers:
    """All of them, by the name that stands in their address."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._receivers: dict[str, Receiver] = {}

    def take(self, name: str, headers: Mapping[str, str], body: bytes) -> int:
        with self._lock:
            receiver = self._receivers.get(name)
            return NOT_FOUND if receiver is None else receiver.take(headers, body)

    def control(self, name: str, told: Mapping[str, Any]) -> None:
        """`secrets` replaces those it knows, `status` makes it fail, null lets it work again."""
        with self._lock:
            receiver = self._receivers.setdefault(name, Receiver())
            receiver.secrets = told.get("secrets", receiver.secrets)
            receiver.status = told.get("status")

    def told(self) -> dict[str, Any]:
        with self._lock:
            return {name: receiver.told() for name, receiver in self._receivers.items()}
