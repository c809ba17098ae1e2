"""Which failures pass by themselves: the database is away, two transactions met. Trying the whole unit again cures."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# SQLSTATE classes: connection exception, insufficient resources, operator intervention, system error.
PASSING_CLASSES = ("08", "53", "57", "58")
# Serialization failure, deadlock, lock not available, read-only (a failover in progress), idle session ended.
PASSING_STATES = frozenset({"40001", "40P01", "55P03", "25006", "25P03"})
QUERY_CANCELED = "57014"

# What the file system says no to stays so: no server is away.
OF_FILES = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)


def is_passing(fault: BaseException) -> bool:
    """Whether `fault`, or what it was raised from, is no fault of the work that met it."""
    if isinstance(fault, PoolTimeout | TimeoutError):
        return True
    if isinstance(fault, OSError):
        return not isinstance(fault, OF_FILES)
    if isinstance(fault, DBAPIError):
        return fault.connection_invalidated or _state_passes(fault.orig) or _is_lost_connection(fault.orig)
    return _state_passes(fault) or _is_lost_connection(fault)


def is_too_slow(fault: BaseException) -> bool:
    """Whether a statement of `fault`'s was given up for its length. It may pass; who can do less at once had better."""
    told = fault.orig if isinstance(fault, DBAPIError) else fault
    return getattr(told, "sqlstate", None) == QUERY_CANCELED


def _state_passes(fault: BaseException | None) -> bool:
    state = getattr(fault, "sqlstate", None)
    return isinstance(state, str) and (state[:2] in PASSING_CLASSES or state in PASSING_STATES)


def _is_lost_connection(fault: BaseException | None) -> bool:
    while fault is not None:
        # asyncpg says "connection is closed" with an InterfaceError, which has no SQLSTATE.
        if isinstance(fault, asyncpg.PostgresConnectionError | ConnectionError):
            return True
        if isinstance(fault, asyncpg.InterfaceError) and "clos" in str(fault):
            return True
        fault = fault.__cause__
    return False
