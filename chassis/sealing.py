"""Sealed bytes: only who has the key opens them, and only in the place that they were sealed for."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
TAG_BYTES = 16


def new_key() -> bytes:
    """32 random bytes."""
    return AESGCM.generate_key(256)


def seal(key: bytes, plain: bytes, label: str) -> bytes:
    """AES-256-GCM: nonce, ciphertext, tag. The label is bound to it, so that it opens in no other's place."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, label.encode())


def open_sealed(key: bytes, sealed: bytes, label: str) -> bytes:
    """Raises `cryptography.exceptions.InvalidTag` where key, label or bytes are not those of the sealing."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise InvalidTag
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], label.encode())
