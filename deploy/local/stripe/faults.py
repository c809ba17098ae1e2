"""Faults to order: the next N calls that match get one of these instead of, or on top of, their answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from deploy.local.stripe.errors import Json


class FaultKind(StrEnum):
    LOST_ANSWER = "lost_answer"
    RESET = "reset"
    CONFLICT = "409"
    RATE_LIMIT = "429"
    SERVER_ERROR = "500"
    SLOW = "slow"

    @property
    def strikes_before_execution(self) -> bool:
        """Nothing of the request is executed, and nothing is kept under its key."""
        return self in {FaultKind.RESET, FaultKind.CONFLICT, FaultKind.RATE_LIMIT}


class Work(StrEnum):
    """When the endpoint does its work, seen from the fault: before it, after it (`slow`), or not at all (`500`)."""

    BEFORE = "before"
    AFTER = "after"
    NEVER = "never"


@dataclass(slots=True)
class Fault:
    kind: FaultKind
    method: str
    path: str
    times: int
    skip: int
    seconds: float
    work: Work
    struck: int = 0

    def matches(self, method: str, path: str) -> bool:
        return self.method in {"*", method} and fnmatchcase(path, self.path)

    def as_json(self) -> Json:
        return {
            "fault": self.kind.value,
            "method": self.method,
            "path": self.path,
            "times": self.times,
            "skip": self.skip,
            "seconds": self.seconds,
            "work": self.work.value,
            "struck": self.struck,
        }


class FaultBook:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that matches and has strikes left; it loses one by this."""
        for fault in self._faults:
            if not fault.matches(method, path) or fault.times == 0:
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            fault.struck += 1
            return fault
        return None

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)
