"""Who may hand leads in, and what an operator may do with a source."""

import re
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from services.intake.domain.obstacles import Obstacle


class SourceAction(StrEnum):
    ROTATE_KEY = "rotate-key"
    REVOKE = "revoke"


def obstacle_to_source(_action: SourceAction, *, is_revoked: bool) -> Obstacle | None:
    """A revoked source gets no new key, and is revoked once."""
    return Obstacle.REVOKED if is_revoked else None


API_KEY = re.compile(r"wbk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")


class PresentedKey(NamedTuple):
    """What a bearer shows: the public half finds the row, the hash of the whole proves it."""

    prefix: str
    digest: bytes


def presented_key(bearer: str) -> PresentedKey | None:
    found = API_KEY.fullmatch(bearer)
    return PresentedKey(found[1], sha256(bearer.encode()).digest()) if found else None
