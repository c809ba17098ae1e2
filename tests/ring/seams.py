"""Where the chassis meets what cannot be repeated: the clock, fresh ids, its log, and the two drivers.

Each is found in the chassis's modules by what it is, not by its name, so that a new use of it is caught as well.
"""

import datetime as datetimes
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import structlog

from chassis import (
    causation,
    database,
    ids,
    inbox,
    outbox,
    pacing,
    parking,
    pending,
    positions,
    publishing,
    records,
    relay,
    replay,
    runtime,
    subscribers,
    worker,
)
from contracts.registry import EVENTS
from tests.ring import sessions
from tests.ring.events import RING_EVENTS
from tests.ring.loop import CURRENT

if TYPE_CHECKING:
    from tests.ring.world import World

MODULES: tuple[ModuleType, ...] = (
    *(causation, database, inbox, outbox, pacing, parking, pending, positions),
    *(publishing, records, relay, replay, runtime, subscribers, worker),
)
EPOCH = datetimes.datetime(2026, 1, 1, tzinfo=datetimes.UTC)

SMALL: list[tuple[ModuleType, str, Any]] = [
    # An idle second of a history is not worth fifty rounds of a relay.
    (relay, "IDLE_SECONDS", (0.05, 1.6)),
    (pacing, "SHARE", 1.0),
    (relay, "STANDBY_SECONDS", 2.0),
    # What a large outbox does now and then, a small one does all the time.
    (pending, "FLOOR_SECONDS", 0.1),
    (pending, "RECLAIM_SECONDS", 1.0),
    (outbox, "SEGMENT_ROWS", 2),
]
"""Measures of the chassis as they fit a small history."""


def _world() -> "World":
    world: World = CURRENT.get().world
    return world


def _seconds() -> float:
    return _world().loop.time()


def _id() -> UUID:
    return _world().new_id()


async def _connect(_dsn: str, **_options: Any) -> sessions.Connection:
    return await sessions.connect(_world())


class _Datetime(datetimes.datetime):
    @classmethod
    def now(cls, _zone: Any = None) -> Any:
        return EPOCH + datetimes.timedelta(seconds=_seconds())


class _Log:
    """What the chassis says goes into the history, where one is written."""

    def __getattr__(self, _level: str) -> Any:
        return self._say

    def _say(self, event: str, **facts: Any) -> None:
        if _world().is_traced:
            _world().note(" ".join(["log", event, *(f"{name}={value}" for name, value in facts.items())]))


_ASYNCPG = SimpleNamespace(**{**vars(asyncpg), "connect": _connect})
_LOG = _Log()
_LOGGER = type(structlog.get_logger())


def _replacement(value: Any) -> Any:
    if value is time.monotonic:
        return _seconds
    if value is ids.new_id:
        return _id
    if value is datetimes.datetime:
        return _Datetime
    if value is asyncpg:
        return _ASYNCPG
    if isinstance(value, _LOGGER):
        return _LOG
    return None


@cache
def _exchanged() -> list[tuple[ModuleType, str, Any, Any]]:
    """What of which module is replaced by what, with its own value before the replacement."""
    found = [
        (module, name, value, replacement)
        for module in MODULES
        for name, value in vars(module).items()
        if (replacement := _replacement(value)) is not None
    ]
    return found + [(module, name, getattr(module, name), value) for module, name, value in SMALL]


@contextmanager
def installed() -> Iterator[None]:
    """Inside the block the chassis runs on the ring. Not for two threads at once."""
    for module, name, _, replacement in _exchanged():
        setattr(module, name, replacement)
    EVENTS.update(RING_EVENTS)
    try:
        yield
    finally:
        for module, name, value, _ in _exchanged():
            setattr(module, name, value)
        for name in RING_EVENTS:
            del EVENTS[name]
