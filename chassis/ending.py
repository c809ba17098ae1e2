"""Ending Kafka's clients, which can take for ever about it."""

import asyncio
from collections.abc import Awaitable, Callable


async def ended_within(seconds: float, stop: Callable[[], Awaitable[object]]) -> bool:
    """Whether it came to its end; after `seconds` it is cancelled.

    aiokafka 0.14.0 ends its fetching by a cancellation, which `Fetcher._fetch_requests_routine` swallows where it comes
    while an assignment ends, and then waits for it without a limit. Cancelled itself, it asks once more, and ends.
    """
    try:
        async with asyncio.timeout(seconds):
            await stop()
    except TimeoutError:
        return False
    return True
