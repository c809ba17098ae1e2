"""Signed webhooks as standardwebhooks.com has them: an id, an instant, and signatures over both and the body.

A secret is derived and kept nowhere: who has the database has none of them.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX = "whsec_"
SECRET_BYTES = 32
OVERLAP = timedelta(hours=24)
"""How long the secret before signs besides a new one."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets of all installers, by the one secret that they are derived from."""

    key_secret: str = field(repr=False)

    def secret(self, installer_id: UUID, generation: int) -> bytes:
        purpose = f"waybill/routing/webhook/{installer_id}:{generation}".encode()
        return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=purpose).derive(self.key_secret.encode())

    def told(self, installer_id: UUID, generation: int) -> str:
        """As the installer keeps it."""
        return PREFIX + b64encode(self.secret(installer_id, generation)).decode()

    def in_force(
        self, installer_id: UUID, generation: int, previous_until: datetime | None, now: datetime
    ) -> list[bytes]:
        """The newest first, and the one before while it is good."""
        secrets = [self.secret(installer_id, generation)]
        if previous_until is not None and now < previous_until and generation > 1:
            secrets.append(self.secret(installer_id, generation - 1))
        return secrets


def signed_headers(webhook_id: str, sent_at: datetime, body: bytes, secrets: Sequence[bytes]) -> Mapping[str, str]:
    """A signature by each secret; `sent_at` is by the machine's clock, as receivers hold it against theirs."""
    timestamp = int(sent_at.timestamp())
    signatures = " ".join(signature(secret, webhook_id, timestamp, body) for secret in secrets)
    return {"webhook-id": webhook_id, "webhook-timestamp": str(timestamp), "webhook-signature": signatures}


def signature(secret: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
