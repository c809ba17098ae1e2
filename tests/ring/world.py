"""One history: a plan, run to its end on a model of the world, and what was seen of it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from aiokafka import TopicPartition

from chassis import pending
from tests.ring.actors import AGGREGATE_IDS, Actors
from tests.ring.broker import Broker
from tests.ring.events import TOPIC
from tests.ring.group import Group
from tests.ring.loop import CURRENT, GoesInCircles, Process, VirtualLoop, one_step
from tests.ring.plan import Chaos, FaultKind, Flavour, Plan
from tests.ring.statements import AGGREGATES, OUTBOX
from tests.ring.store import Row, Store
from tests.ring.watch import Invariant, Violation, Watch
from tests.ring.wire import Wire

DEADLINE_SECONDS = 300.0
"""Virtual. The longest fault lasts six seconds, the longest pause five."""
DELAYS_SECONDS = (0.02, 0.3, 1.0, 2.5, 6.0)
SESSION_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class History:
    violations: list[Violation]
    trace: list[str]
    steps: int
    seconds: float
    """Virtual."""

    def broken(self) -> set[Invariant]:
        return {violation.invariant for violation in self.violations}


class World:
    """The servers, the network between, and the processes of ours. Everything in it follows from the plan."""

    def __init__(self, plan: Plan, *, is_traced: bool = False) -> None:
        self.plan = plan
        self.is_traced = is_traced
        self.trace: list[str] = []
        chance = Random(plan.schedule)  # noqa: S311
        self._random, self._bits = chance.random, chance.getrandbits
        self.loop = VirtualLoop(chance)
        self.chaos = Chaos(plan.faults)
        self.watch = Watch(self)
        self.store = Store(self.watch.saw_commit)
        self.store.tables[AGGREGATES].update({key: Row(version=0) for key in AGGREGATE_IDS})
        self.broker = Broker(self, plan.partitions)
        self.group = Group(self, [TopicPartition(TOPIC.name, number) for number in range(plan.partitions)])
        self.wires: list[Wire] = []
        self.actors = Actors(self)
        self._outside = Context()
        self._delayed = 0
        self._producers = 0
        self._perils = self._armed(plan)

    # What the models and the seams ask for.

    async def hop(self) -> None:
        """One message over the network: whoever sends it can be killed, frozen or outrun here."""
        process = CURRENT.get()
        if process.is_dead:
            raise asyncio.CancelledError
        if process.role in self._perils:
            self._tempt(process)
        await one_step()

    def current(self) -> Process:
        return CURRENT.get()

    def toss(self) -> bool:
        return self._random() < 0.5

    def new_id(self) -> UUID:
        return UUID(int=self._bits(128))

    def next_producer_id(self) -> int:
        self._producers += 1
        return self._producers

    def outside(self, happening: Callable[..., Any], *arguments: Any) -> None:
        """Soon, at a server or on the network."""
        self.loop.call_soon(happening, *arguments, context=self._outside)

    def later(self, happening: Callable[..., Any], *arguments: Any) -> None:
        """After a delay that is longer than most retries, or than none."""
        self.after(DELAYS_SECONDS[int(self._random() * len(DELAYS_SECONDS))], happening, *arguments)

    def after(self, seconds: float, happening: Callable[..., Any], *arguments: Any) -> None:
        def happen() -> None:
            self._delayed -= 1
            happening(*arguments)

        self._delayed += 1
        self.loop.call_later(seconds, happen, context=self._outside)

    def note(self, what: str, pick: int | None = None) -> None:
        if self.is_traced:
            process = CURRENT.get(self.loop.outside)
            struck = "" if pick is None else f"  <-- fault, variant {pick}"
            self.trace.append(f"{self.loop.time():8.3f}  {process.name:<12} {what}{struck}")

    # What can befall a process.

    def _armed(self, plan: Plan) -> dict[str, list[tuple[FaultKind, Callable[[Process], None]]]]:
        """By role, those of the plan that strike where a process speaks to the network."""
        perils: dict[FaultKind, tuple[str, Callable[[Process], None]]] = {
            FaultKind.KILL_SERVICE: ("service", self.kill),
            FaultKind.KILL_CONSUMER: ("consumer", self.kill),
            FaultKind.FREEZE_SERVICE: ("service", self._freeze),
            FaultKind.FREEZE_CONSUMER: ("consumer", self._freeze),
            FaultKind.STOP_CONSUMER: ("consumer", self.actors.stop_consumer),
            FaultKind.REBALANCE: ("consumer", lambda _: self.outside(self.group.rebalance)),
        }
        armed = defaultdict(list)
        for kind in {fault.kind: None for fault in plan.faults if fault.kind in perils}:
            role, befall = perils[kind]
            armed[role].append((kind, befall))
        return dict(armed)

    def _tempt(self, process: Process) -> None:
        for kind, befall in self._perils.get(process.role, ()):
            if self.chaos.strikes(kind) is not None:
                befall(process)

    def kill(self, process: Process) -> None:
        """As SIGKILL does: nothing that it would still do has an effect."""
        self.note("killed")
        process.is_dead = True
        self._hang_up(process)
        for task in process.tasks:
            task.cancel()
        self.after(SESSION_TIMEOUT_SECONDS, self._expel, process)
        self.later(self.actors.restart, process)

    def _freeze(self, process: Process) -> None:
        self.note("frozen")
        self.loop.freeze(process)
        if self.toss():
            self._hang_up(process)
        self.after(SESSION_TIMEOUT_SECONDS, self._expel, process)
        self.later(self._thaw, process)

    def _thaw(self, process: Process) -> None:
        self.note(f"{process.name} goes on")
        self.loop.thaw(process)
        for member in self.actors.members_of(process):
            self.later(self.group.join, member)

    def _hang_up(self, process: Process) -> None:
        for wire in [wire for wire in self.wires if wire.process is process]:
            wire.hang_up(is_noticed=self.toss())

    def _expel(self, process: Process) -> None:
        if process.is_dead or process.is_frozen:
            for member in self.actors.members_of(process):
                self.group.leave(member)

    # The history.

    def was_undisturbed(self) -> bool:
        """No fault struck, and nothing was refused by the broker, after which a round is sent again."""
        flavours = {flavour for commands in self.plan.writers for command in commands for _, flavour in command.steps}
        return self.chaos.struck == 0 and not flavours & {Flavour.LARGE, Flavour.TOO_LARGE}

    def run(self) -> History:
        pending.FLOOR_SECONDS = self.plan.floor_seconds
        self.actors.start()
        try:
            if not self.loop.run(self._is_over, DEADLINE_SECONDS):
                self.watch.report(Invariant.DRAINED, self._leftover())
        except GoesInCircles as circles:
            self.watch.report(Invariant.DRAINED, str(circles))
        steps, seconds = self.loop.steps, self.loop.time()
        self.watch.judge()
        self._end()
        return History(self.watch.violations, self.trace, steps, seconds)

    def _is_over(self) -> bool:
        return (
            not self._delayed
            and not self.store.tables[OUTBOX]
            and not self.store.locks
            and self.actors.are_done()
            and self.group.has_drained()
        )

    def _leftover(self) -> str:
        pending = {
            "delayed": self._delayed,
            "outbox": len(self.store.tables[OUTBOX]),
            "locks": len(self.store.locks),
            "actors": not self.actors.are_done(),
            "consumers": not self.group.has_drained(),
        }
        return f"left after {DEADLINE_SECONDS} s: { ({name: what for name, what in pending.items() if what}) }"

    def _end(self) -> None:
        """Takes the tasks apart; what they do on the way has no effect."""
        self.is_traced = False
        self.loop.steps = 0
        for process in self.actors.processes:
            process.is_dead = True
            self.loop.thaw(process)
        while pending_tasks := [t for process in self.actors.processes for t in process.tasks if not t.done()]:
            for task in pending_tasks:
                task.cancel()
            self.loop.run(lambda: True, 0.0)
