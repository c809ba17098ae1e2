"""Running many seeds, and telling of one that fails: `python -m tests.ring --seeds 100000 [--seed 7]`."""

import gc
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.ring import seams
from tests.ring.plan import Plan, drawn
from tests.ring.watch import Invariant
from tests.ring.world import History, World

COLLECT_EVERY = 500


def history_of(plan: Plan, *, is_traced: bool = False) -> History:
    with seams.installed():
        return World(plan, is_traced=is_traced).run()


@dataclass(slots=True)
class Tally:
    """What became of some seeds; seconds are of one core."""

    seeds: int = 0
    steps: int = 0
    cpu_seconds: float = 0.0
    failed: dict[int, set[Invariant]] = field(default_factory=dict)

    @property
    def seeds_a_minute(self) -> float:
        return 60 * self.seeds / self.cpu_seconds if self.cpu_seconds else 0.0

    def add(self, other: "Tally") -> None:
        self.seeds += other.seeds
        self.steps += other.steps
        self.cpu_seconds += other.cpu_seconds
        self.failed.update(other.failed)


def histories(seeds: Iterable[int]) -> Iterator[tuple[int, History]]:
    """One after the other; whoever has seen enough stops asking."""
    with seams.installed():
        gc.disable()
        try:
            for number, seed in enumerate(seeds, 1):
                yield seed, World(drawn(seed)).run()
                if number % COLLECT_EVERY == 0:
                    gc.collect()
        finally:
            gc.enable()


def tally(seeds: Iterable[int]) -> Tally:
    result = Tally()
    started = time.process_time()
    for seed, history in histories(seeds):
        result.seeds += 1
        result.steps += history.steps
        if history.violations:
            result.failed[seed] = history.broken()
    result.cpu_seconds = time.process_time() - started
    return result


def story(plan: Plan) -> str:
    """The history of a plan from its first step to its verdict, to be read."""
    history = history_of(plan, is_traced=True)
    verdict = [f"{violation.invariant}: {violation.detail}" for violation in history.violations] or ["nothing broken"]
    return "\n".join([*described(plan), "", *history.trace, "", *verdict])


def described(plan: Plan) -> Iterator[str]:
    for number, commands in enumerate(plan.writers):
        for command in commands:
            steps = ", ".join(f"k{key} {flavour}" for key, flavour in command.steps)
            yield f"writer {number}: {steps}{' (refused)' * command.is_refused}"
    for fault in plan.faults:
        yield f"fault: the {fault.nth}. chance of {fault.kind}, variant {fault.pick}"
    yield (
        f"{plan.members} members, {plan.partitions} partitions, {plan.shards} shards, batches of {plan.relay_batch} "
        f"and {plan.consumer_batch}, {'an' if plan.has_operator else 'no'} operator, schedule {plan.schedule}"
    )


def how_to_repeat(seed: int) -> str:
    return f"make ring SEED={seed}"
