"""What one history is made of: the commands that are given and the faults that strike, all of it data that can shrink.

A fault strikes the nth time that something of its kind could happen; `pick` chooses among its variants and delays.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TypeVar

T = TypeVar("T")

WRITERS = 2
KEYS = 3


class Flavour(StrEnum):
    """What becomes of one event of a command."""

    PLAIN = "plain"
    OTHER_TYPE = "other type"
    IGNORED = "ignored"
    POISON = "poison"
    """Every handler refuses it."""
    FLAKY = "flaky"
    """The handler fails a few times for no reason that it can name."""
    TOO_LARGE = "too large"
    """The producer refuses it at once."""
    LARGE = "large"
    """The broker refuses it, with what shares its request."""
    GARBAGE = "garbage"
    """A record of somebody else under one of our keys: it cannot be decoded."""


class FaultKind(StrEnum):
    CONNECT = "connect"
    STATEMENT = "statement"
    COMMIT = "commit"
    PRODUCER_START = "producer_start"
    PRODUCE = "produce"
    FETCH = "fetch"
    OFFSET_COMMIT = "offset_commit"
    REBALANCE = "rebalance"
    KILL_SERVICE = "kill_service"
    KILL_CONSUMER = "kill_consumer"
    STOP_CONSUMER = "stop_consumer"
    """In good order, as a deployment does."""
    FREEZE_SERVICE = "freeze_service"
    FREEZE_CONSUMER = "freeze_consumer"


REACH = {
    FaultKind.CONNECT: 4,
    FaultKind.STATEMENT: 90,
    FaultKind.COMMIT: 30,
    FaultKind.PRODUCER_START: 2,
    FaultKind.PRODUCE: 10,
    FaultKind.FETCH: 8,
    FaultKind.OFFSET_COMMIT: 8,
    FaultKind.REBALANCE: 50,
    FaultKind.KILL_SERVICE: 70,
    FaultKind.KILL_CONSUMER: 50,
    FaultKind.STOP_CONSUMER: 50,
    FaultKind.FREEZE_SERVICE: 70,
    FaultKind.FREEZE_CONSUMER: 50,
}
"""About how often each kind has its chance in a history: the nth is drawn from as many."""


@dataclass(frozen=True, slots=True)
class Fault:
    kind: FaultKind
    nth: int
    pick: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """One transaction of a writer: each step bumps the version of a key and adds an event of that flavour."""

    steps: tuple[tuple[int, Flavour], ...]
    is_refused: bool = False
    """It fails after it has added its events: none of them may ever be seen."""


@dataclass(frozen=True, slots=True)
class Plan:
    writers: tuple[tuple[Command, ...], ...]
    faults: tuple[Fault, ...] = ()
    shards: int = 1
    members: int = 2
    partitions: int = 2
    relay_batch: int = 3
    consumer_batch: int = 4
    has_operator: bool = False
    floor_seconds: float = 0.1
    """How often a relay looks at who is writing; it may do so before every read."""
    schedule: int = 0
    """The seed of everything that the plan leaves open: who runs next, how requests are packed, delays."""


_RARE = tuple(flavour for flavour in Flavour if flavour is not Flavour.PLAIN)


def drawn(seed: int) -> Plan:
    """The plan of a seed. Each keeps to few kinds of faults and of events, so that what it has, it has often."""
    chance = Random(seed)  # noqa: S311
    kinds = [_one(chance, tuple(FaultKind)) for _ in range(_one(chance, (1, 2, 3)))]
    flavours = (*(Flavour.PLAIN,) * _one(chance, (2, 5, 10)), _one(chance, _RARE), _one(chance, _RARE))
    return Plan(
        writers=tuple(
            tuple(_command(chance, flavours) for _ in range(chance.randint(1, 4)))
            for _ in range(chance.randint(1, WRITERS))
        ),
        faults=tuple(_fault(chance, kinds) for _ in range(_one(chance, (0, 1, 2, 3, 4, 6)))),
        shards=_one(chance, (1, 1, 2)),
        members=_one(chance, (1, 2, 2, 3)),
        partitions=_one(chance, (1, 2)),
        relay_batch=_one(chance, (1, 2, 3, 100)),
        consumer_batch=_one(chance, (1, 2, 4, 100)),
        has_operator=chance.random() < 0.5,
        floor_seconds=_one(chance, (0.0, 0.1, 0.1)),
        schedule=seed,
    )


def _command(chance: Random, flavours: Sequence[Flavour]) -> Command:
    steps = tuple((int(chance.random() * KEYS), _one(chance, flavours)) for _ in range(_one(chance, (1, 1, 2, 3))))
    return Command(steps, chance.random() < 0.05)


def _fault(chance: Random, kinds: Sequence[FaultKind]) -> Fault:
    kind = _one(chance, kinds)
    return Fault(kind, 1 + int(chance.random() * REACH[kind]), int(chance.random() * 12))


def _one(chance: Random, choices: Sequence[T]) -> T:
    return choices[int(chance.random() * len(choices))]


class Chaos:
    """Counts the chances of each kind of fault, and says which of them strike."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._armed: dict[FaultKind, dict[int, int]] = defaultdict(dict)
        self._seen: dict[FaultKind, int] = defaultdict(int)
        self.struck = 0
        for fault in faults:
            self._armed[fault.kind][fault.nth] = fault.pick

    def strikes(self, kind: FaultKind) -> int | None:
        """The fault's pick, or None."""
        armed = self._armed.get(kind)
        if armed is None:
            return None
        self._seen[kind] += 1
        pick = armed.get(self._seen[kind])
        self.struck += pick is not None
        return pick
