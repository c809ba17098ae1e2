"""Erasing a person: who asked for it, why, and what of a lead is kept."""

from enum import StrEnum
from hashlib import sha256

CONFIRMED_BY = "ERASE"
"""The word that is typed: there is no way back."""


class AskedVia(StrEnum):
    PERSON = "person"
    SOURCE = "source"
    REGULATOR = "regulator"


class ErasureReason(StrEnum):
    CONSENT_WITHDRAWN = "consent_withdrawn"
    NO_LONGER_NEEDED = "no_longer_needed"
    OBJECTED = "objected"
    UNLAWFUL = "unlawful"
    OTHER = "other"


def key_without_person(submission_key: str, literals: tuple[str, ...]) -> str:
    """Kept, so that a repeat of the submission makes no new lead, unless it tells of the person itself.

    Then it becomes `erased-` and a digest, and a repeat is new.
    """
    told = submission_key.lower()
    if not any(literal.lower() in told for literal in literals):
        return submission_key
    return f"erased-{sha256(submission_key.encode()).hexdigest()}"
