"""What is measured in a process of its own: see `Stage.start`. Each prints `ready`; a result is its last line."""

import asyncio
import signal


async def until_stopped() -> None:
    """SIGTERM is how `Child.stop` asks."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
