"""A steady pace that does not slow down with what it drives: every call has its own time."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def paced(count: int, per_second: float, call: Callable[[], Awaitable[object]]) -> None:
    """Starts `count` calls, evenly; one that takes long delays none. Returns when all have returned."""
    started = time.monotonic()
    async with asyncio.TaskGroup() as calls:
        for number in range(count):
            await asyncio.sleep(max(0.0, started + number / per_second - time.monotonic()))
            calls.create_task(_awaited(call))


async def _awaited(call: Callable[[], Awaitable[object]]) -> None:
    await call()
