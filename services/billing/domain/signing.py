"""The signature under a certificate: Ed25519, so that who has the public key can check it and cannot sign."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.billing.domain.certificate import SignatureState, Statement

PURPOSE = b"waybill/billing/certificate"


@dataclass(frozen=True)
class Signature:
    """`key_id` names the public key by its hash: a certificate outlives the key that signed it."""

    key_id: str
    signed: bytes


class Signer:
    """The key is derived and kept nowhere: who has the database cannot sign."""

    def __init__(self, key_secret: str) -> None:
        seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(key_secret.encode())
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @cached_property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        return sha256(self.public_key).hexdigest()[:16]

    def sign(self, statement: Statement) -> Signature:
        return Signature(self.key_id, self._key.sign(statement.text))

    def has_signed(self, statement: Statement, signed: bytes) -> bool:
        try:
            self._key.public_key().verify(signed, statement.text)
        except InvalidSignature:
            return False
        return True


def verify(
    statement: Statement, kept_sha256: str, signature: Signature | None, signer: Signer | None
) -> SignatureState:
    """Whether what is kept is what was certified; without a signature its hash alone can speak for it."""
    if statement.sha256 != kept_sha256:
        return SignatureState.ALTERED
    if signature is None:
        return SignatureState.UNSIGNED
    if signer is None or signer.key_id != signature.key_id:
        return SignatureState.OTHER_KEY
    return SignatureState.VALID if signer.has_signed(statement, signature.signed) else SignatureState.ALTERED
