"""Identifiers: UUIDv7, made by the caller's side of the boundary, so that a retry carries the same one."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()
