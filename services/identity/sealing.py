"""Secrets at rest: sealed with a key from the environment, so that a copy of the database alone opens nothing."""

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chassis.sealing import open_sealed, seal


class Vault:
    """The label is bound to the seal, so that one row's secret cannot be put into another's place."""

    def __init__(self, key_secret: str) -> None:
        self._key = _derived(key_secret, b"waybill/identity/seal")
        self._mark_key = _derived(key_secret, b"waybill/identity/mark")

    def seal(self, plain: bytes, label: str) -> bytes:
        return seal(self._key, plain, label)

    def open(self, sealed: bytes, label: str) -> bytes:
        """Raises `cryptography.exceptions.InvalidTag` where key, label or bytes are not those of the sealing."""
        return open_sealed(self._key, sealed, label)

    def mark(self, text: str) -> bytes:
        """The same 32 bytes for the same text, which without the key say nothing about it."""
        return hmac.digest(self._mark_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)


def _derived(key_secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key_secret.encode())
