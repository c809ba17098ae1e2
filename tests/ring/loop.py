"""An event loop of our own: virtual time, and a seeded choice of whose callback runs next.

Asyncio promises that callbacks run in the order in which they were scheduled. That holds within one process; between
processes nothing is promised, so the loop keeps a queue per simulated process and picks among the queues by the seed.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush
from itertools import count
from random import Random
from types import coroutine
from typing import Any

MOST_STEPS = 60_000
"""A history takes some hundreds of steps: one that takes so many goes in circles."""


class GoesInCircles(Exception):
    """Callbacks follow callbacks, and nothing is ever settled."""


class Process:
    """One simulated process of the operating system: what runs in it is frozen together and dies together."""

    __slots__ = ("is_dead", "is_frozen", "name", "ready", "role", "tasks", "world")

    def __init__(self, name: str, role: str, world: Any = None) -> None:
        self.name = name
        self.world = world
        self.role = role
        self.ready: deque[Handle] = deque()
        self.tasks: list[asyncio.Task[Any]] = []
        self.is_dead = False
        self.is_frozen = False


CURRENT: ContextVar[Process] = ContextVar("process")


class Handle:
    """What asyncio expects of a scheduled callback."""

    __slots__ = ("arguments", "callback", "context", "is_cancelled", "moment")

    def __init__(self, callback: Callable[..., Any], arguments: Any, context: Context, moment: float) -> None:
        self.callback = callback
        self.arguments = arguments
        self.context = context
        self.moment = moment
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def cancelled(self) -> bool:
        return self.is_cancelled

    def when(self) -> float:
        return self.moment


class VirtualLoop:
    """What asyncio asks of a loop, and no more.

    It runs until nothing is ready, then lets time jump to the next timer. `outside` is all that is no process of ours:
    the network and the servers.
    """

    def __init__(self, chance: Random) -> None:
        self._random = chance.random
        self._now = 0.0
        self._timers: list[tuple[float, int, Handle]] = []
        self._numbers = count()
        self._active: list[Process] = []
        self.outside = Process("outside", "outside")
        self.steps = 0

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> Any:
        if context is None:
            context = copy_context()
        handle = Handle(callback, args, context, self._now)
        process = context.get(CURRENT, self.outside)
        ready = process.ready
        if not ready and not process.is_frozen:
            self._active.append(process)
        ready.append(handle)
        return handle

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> Any:
        handle = Handle(callback, args, copy_context() if context is None else context, when)
        heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> Any:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)  # type: ignore[arg-type]

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=self, name=name or "task", context=context)  # type: ignore[arg-type]
        process = CURRENT.get(self.outside) if context is None else context.get(CURRENT, self.outside)
        process.tasks.append(task)
        return task

    def spawn(self, process: Process, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """A task of `process`; what it starts in turn belongs to the same process."""
        context = Context()
        context.run(CURRENT.set, process)
        return self.create_task(work, context=context)

    def freeze(self, process: Process) -> None:
        """As SIGSTOP does: what is ready stays ready."""
        process.is_frozen = True
        if process in self._active:
            self._active.remove(process)

    def thaw(self, process: Process) -> None:
        process.is_frozen = False
        if process.ready and process not in self._active:
            self._active.append(process)

    def run(self, is_over: Callable[[], bool], deadline: float) -> bool:
        """Whether `is_over` held at a moment of rest before the deadline."""
        asyncio._set_running_loop(self)  # type: ignore[arg-type]
        try:
            while True:
                self._run_ready()
                if is_over():
                    return True
                if not self._timers or self._timers[0][0] > deadline:
                    return False
                self._now = max(self._now, self._timers[0][0])
                while self._timers and self._timers[0][0] <= self._now:
                    handle = heappop(self._timers)[2]
                    if not handle.is_cancelled:
                        self._make_ready(handle)
        finally:
            asyncio._set_running_loop(None)

    def _run_ready(self) -> None:
        active, random = self._active, self._random
        while active:
            place = int(random() * len(active))
            process = active[place]
            handle = process.ready.popleft()
            if not process.ready:
                active[place] = active[-1]
                active.pop()
            if not handle.is_cancelled:
                self.steps += 1
                handle.context.run(handle.callback, *handle.arguments)
                if self.steps > MOST_STEPS:
                    raise GoesInCircles(f"{self.steps} steps by {self._now} s")

    def _make_ready(self, handle: Handle) -> None:
        process = handle.context.get(CURRENT, self.outside)
        if not process.ready and not process.is_frozen:
            self._active.append(process)
        process.ready.append(handle)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What asyncio would log: a future's exception that nobody asked for is no event of the history."""

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: Any) -> None:
        """A cancelled timer is dropped when its time comes."""


@coroutine
def one_step() -> Generator[None, None, None]:
    """Lets any other process go first, for as long as the seed says."""
    yield
