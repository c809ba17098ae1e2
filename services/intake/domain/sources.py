"""Who may hand leads in and how many, and what an operator may do with a source."""

import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from services.intake.domain.obstacles import Obstacle


class SourceMode(StrEnum):
    """What comes of the submissions of a source in mode `test` is an answer, and nothing else."""

    LIVE = "live"
    TEST = "test"


class SourceAction(StrEnum):
    RENAME = "rename"
    SET_MODE = "mode"
    SET_RATE = "rate"
    ROTATE_KEY = "rotate-key"
    REVOKE_KEY = "revoke-key"
    REVOKE = "revoke"


def obstacle_to_source(action: SourceAction, *, is_revoked: bool) -> Obstacle | None:
    """A revoked source hands in nothing more. Its name can still be set right: its leads bear it for ever."""
    return Obstacle.REVOKED if is_revoked and action is not SourceAction.RENAME else None


def obstacle_to_key(*, is_source_revoked: bool, is_revoked: bool, has_run_out: bool) -> Obstacle | None:
    """Of a key that does not work any more there is nothing to revoke."""
    if is_source_revoked:
        return Obstacle.SOURCE_REVOKED
    if is_revoked:
        return Obstacle.REVOKED
    return Obstacle.RUN_OUT if has_run_out else None


HIGHEST_RATE_PER_MINUTE = 1_000_000
LEASES_OF_A_MINUTE = 50
"""In so many portions a source's minute is given out to the processes, so that few of them ask for each lead."""


@dataclass(slots=True)
class Bucket:
    """What one process may still let in for a source in the running minute. Instants are a steady clock's seconds."""

    limit: int
    left: int = 0
    ends_at: float = 0.0
    is_spent: bool = False
    """Whether this minute has no more to give, to any process."""

    @property
    def lease(self) -> int:
        return max(1, self.limit // LEASES_OF_A_MINUTE)

    def take(self, now: float) -> float | None:
        """None where there was one; else the seconds to wait, 0 where more may be leased at once."""
        if now >= self.ends_at:
            self.left, self.is_spent = 0, False
        if self.left:
            self.left -= 1
            return None
        return self.ends_at - now if self.is_spent else 0.0

    def fill(self, given: int, asked_at: float, seconds_left: float) -> None:
        """`seconds_left` of the minute that the lease is of, told after `asked_at`: it ends early, never late."""
        self.left, self.ends_at = given, asked_at + seconds_left
        self.is_spent = given < self.lease


API_KEY = re.compile(r"wbk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")


class PresentedKey(NamedTuple):
    """What a bearer shows: the public half finds the row, the hash of the whole proves it."""

    prefix: str
    digest: bytes


def presented_key(bearer: str) -> PresentedKey | None:
    found = API_KEY.fullmatch(bearer)
    return PresentedKey(found[1], sha256(bearer.encode()).digest()) if found else None
