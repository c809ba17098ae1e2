"""People sealed as intake seals them, opened as who delivers opens them: written down once more, by nobody's code."""

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.intake import LeadKeyCreated, LeadKeyDestroyed
from contracts.values import LeadContact

KEY = bytes(range(32))
AT = datetime(2026, 3, 3, 2, 15, 4, tzinfo=UTC)


def sealed(contact: LeadContact, lead_id: UUID, key: bytes = KEY) -> str:
    nonce = bytes(range(12))
    return b64encode(
        nonce + AESGCM(key).encrypt(nonce, contact.model_dump_json().encode(), str(lead_id).encode())
    ).decode()


def unsealed(told: str, lead_id: UUID, key: bytes) -> LeadContact:
    raw = b64decode(told)
    return LeadContact.model_validate_json(AESGCM(key).decrypt(raw[:12], raw[12:], str(lead_id).encode()))


def key_created(lead_id: UUID, key: bytes = KEY) -> LeadKeyCreated:
    return LeadKeyCreated(lead_id=lead_id, key_base64=b64encode(key).decode(), created_at=AT)


def key_destroyed(lead_id: UUID) -> LeadKeyDestroyed:
    return LeadKeyDestroyed(lead_id=lead_id, destroyed_at=AT)
