"""Why a deed cannot be done."""

from enum import StrEnum


class Obstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    TAKEN_IN = "it is only being taken in"
    REJECTED = "it was rejected when it came in"
    CLOSED = "it is closed"
    REVOKED = "it was revoked"
    SOURCE_REVOKED = "its source was revoked"
    RUN_OUT = "it has run out"
