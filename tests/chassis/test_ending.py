import asyncio
from contextlib import suppress

import pytest

from chassis.ending import ended_within

PATIENCE_SECONDS = 60.0


async def swallow_one(hears: asyncio.Event) -> None:
    """As aiokafka's fetching: a cancellation is taken for that of what it waits for, and it goes on."""
    with suppress(asyncio.CancelledError):
        hears.set()
        await asyncio.Event().wait()
    hears.set()
    await asyncio.Event().wait()


async def test_what_ends_is_waited_for() -> None:
    assert await ended_within(PATIENCE_SECONDS, lambda: asyncio.sleep(0))


async def test_what_does_not_end_is_left() -> None:
    assert not await ended_within(0.01, asyncio.Event().wait)


async def test_what_has_swallowed_a_cancellation_is_asked_once_more() -> None:
    hears = asyncio.Event()
    fetching = asyncio.create_task(swallow_one(hears))
    await hears.wait()

    async def close() -> None:
        fetching.cancel()
        with suppress(asyncio.CancelledError):
            await fetching

    await asyncio.wait_for(ended_within(0.01, close), PATIENCE_SECONDS)
    assert fetching.cancelled()


async def test_what_fails_fails() -> None:
    async def fail() -> None:
        raise OSError("no broker")

    with pytest.raises(OSError, match="no broker"):
        await ended_within(PATIENCE_SECONDS, fail)
