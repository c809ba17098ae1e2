"""Identifiers: UUIDv7, made by the caller's side of the boundary, so that a retry carries the same one."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

_TIME_SHIFT = 80
"""The first 48 of a UUIDv7's 128 bits are milliseconds since 1970."""


def new_id() -> UUID:
    return uuid7()


def earliest_id(instant: datetime) -> UUID:
    """No id made at `instant` or later is before it, and every one made a millisecond earlier is."""
    return UUID(int=int(instant.timestamp() * 1000) << _TIME_SHIFT)
