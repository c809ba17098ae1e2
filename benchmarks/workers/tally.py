"""What a consuming worker counts: from the first batch that arrives to the last event that is settled."""

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from time import monotonic, process_time

import uvloop

from chassis.collecting import collect_less

PATIENCE_SECONDS = 600


class Tally:
    """Starting, joining the group and the first fetch are left out, whoever does them."""

    def __init__(self, events: int) -> None:
        self._left = events
        self._events = events
        self._done = asyncio.Event()
        self._began: tuple[float, float] | None = None
        self._ended = (0.0, 0.0)

    def arrived(self) -> None:
        """With every batch or record, before anything is done with it."""
        if self._began is None:
            self._began = (monotonic(), process_time())

    def settled(self, events: int) -> None:
        """After they are committed."""
        self._left -= events
        if self._left <= 0 and not self._done.is_set():
            self._ended = (monotonic(), process_time())
            self._done.set()

    async def result(self) -> dict[str, float]:
        """Waits for the last one. `cpu us` is this process's alone, per event."""
        await asyncio.wait_for(self._done.wait(), PATIENCE_SECONDS)
        assert self._began is not None
        seconds, cpu_seconds = (ended - began for began, ended in zip(self._began, self._ended, strict=True))
        return {"events/s": self._events / seconds, "cpu us": cpu_seconds / self._events * 1e6}


def run(work: Callable[[Namespace], Awaitable[dict[str, float]]], *flags: str) -> None:
    """The main function of a worker; `--kafka`, `--topic`, `--group` and `--events` are given to all."""
    parser = ArgumentParser()
    for flag in ("--kafka", "--topic", "--group", *flags):
        parser.add_argument(flag, required=True)
    parser.add_argument("--events", type=int, required=True)

    async def worked() -> dict[str, float]:
        # As a process of the product: floors and rivals are not burdened with what ours is spared.
        collect_less()
        return await work(parser.parse_args())

    # The loop that services run on: see chassis/process.py.
    print(json.dumps(uvloop.run(worked())))
