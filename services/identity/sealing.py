"""Secrets at rest: sealed with a key from the environment, so that a copy of the database alone opens nothing."""

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


class Vault:
    """AES-256-GCM. The label is bound to the seal, so that one row's secret cannot be put into another's place."""

    def __init__(self, key_secret: str) -> None:
        self._cipher = AESGCM(_derived(key_secret, b"waybill/identity/seal"))
        self._mark_key = _derived(key_secret, b"waybill/identity/mark")

    def seal(self, plain: bytes, label: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, label.encode())

    def open(self, sealed: bytes, label: str) -> bytes:
        """Raises `cryptography.exceptions.InvalidTag` where key, label or bytes are not those of the sealing."""
        return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], label.encode())

    def mark(self, text: str) -> bytes:
        """The same 32 bytes for the same text, which without the key say nothing about it."""
        return hmac.digest(self._mark_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)


def _derived(key_secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key_secret.encode())
