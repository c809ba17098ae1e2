"""Waiting for a condition with a deadline, in place of sleeping and hoping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02
NOTHING_YET: Any = "nothing yet"


async def eventually(condition: Callable[[], Awaitable[T]], deadline_seconds: float = 10) -> T:
    """Asks until the answer is truthy and returns it; an AssertionError means not yet. Says what it saw last."""
    deadline = time.monotonic() + deadline_seconds
    seen: object = NOTHING_YET
    while True:
        try:
            answer = await condition()
            if answer:
                return answer
            seen = answer
        except AssertionError as not_yet:
            seen = not_yet
        if time.monotonic() > deadline:
            raise AssertionError(_too_late(condition, deadline_seconds, seen))
        await asyncio.sleep(POLL_SECONDS)


def eventually_sync(condition: Callable[[], T], deadline_seconds: float = 10) -> T:
    """The same where no event loop runs."""
    deadline = time.monotonic() + deadline_seconds
    seen: object = NOTHING_YET
    while True:
        try:
            answer = condition()
            if answer:
                return answer
            seen = answer
        except AssertionError as not_yet:
            seen = not_yet
        if time.monotonic() > deadline:
            raise AssertionError(_too_late(condition, deadline_seconds, seen))
        time.sleep(POLL_SECONDS)


def _too_late(condition: Callable[[], object], deadline_seconds: float, seen: object) -> str:
    name = getattr(condition, "__name__", "the condition")
    return f"{name} does not hold after {deadline_seconds} s; last seen: {seen!r}"
