"""Why a deed cannot be done."""

from enum import StrEnum


class Obstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    TAKEN_IN = "it is only being taken in"
    REJECTED = "it was rejected when it came in"
    CLOSED = "it is closed"
    MERGED = "it was merged into another"
    NOT_MERGED = "it was not merged into another"
    NOT_HELD = "it is not held"
    ERASED = "its person was erased"
    REVOKED = "it was revoked"
    NOBODYS = "nobody has it"
    SOMEBODYS = "it has an owner, who can hand it over"
    NOT_CRITICAL = "it is not critical"
    DONE = "it was done"
    CANCELLED = "it was cancelled"
    SOURCE_REVOKED = "its source was revoked"
    RUN_OUT = "it has run out"
