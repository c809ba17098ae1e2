"""How places under the caps move between reserved, used and free, in the windows of the assignment's instant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.values import INVALID_LEAD_CREDITS
from services.routing.domain.states import AssignmentStatus, CapState
from services.routing.domain.windows import Window, WindowKind, window_at


class Counts(NamedTuple):
    """As a change, each may be negative. `failed` holds no place; it counts the turns that were had for nothing."""

    reserved: int = 0
    used: int = 0
    failed: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(self.reserved + other.reserved, self.used + other.used, self.failed + other.failed)


class CapChange(Enum):
    COMMIT = Counts(reserved=-1, used=1)
    FAIL = Counts(reserved=-1, failed=1)
    GIVE_BACK = Counts(reserved=-1)
    RELEASE = Counts(used=-1)

    @property
    def is_owed_again(self) -> bool:
        """The lead left its installer. One that failed did not: a dead mailbox would draw every lead otherwise."""
        return self in (CapChange.GIVE_BACK, CapChange.RELEASE)


@dataclass(frozen=True, slots=True)
class CapMove:
    """`assigned_at` decides which windows it concerns: a place is freed where it was taken. `decision_id` gave it."""

    installer_id: UUID
    assigned_at: datetime
    change: CapChange
    decision_id: UUID


class WindowKey(NamedTuple):
    installer_id: UUID
    kind: WindowKind
    starts_at: datetime


def changes_of(moves: Iterable[CapMove], zones: Mapping[UUID, ZoneInfo]) -> dict[WindowKey, Counts]:
    """One change per window for any number of moves."""
    changes: dict[WindowKey, Counts] = {}
    for move in moves:
        for kind in WindowKind:
            window = window_at(kind, move.assigned_at, zones[move.installer_id])
            key = WindowKey(move.installer_id, kind, window.starts_at)
            changes[key] = changes.get(key, Counts()).plus(move.change.value)
    return changes


def counted(status: AssignmentStatus, cap_state: CapState) -> Counts:
    """What an assignment adds to its windows; one that was released or cancelled adds nothing."""
    if status is AssignmentStatus.FAILED:
        return Counts(failed=1)
    return Counts(reserved=int(cap_state is CapState.RESERVED), used=int(cap_state is CapState.COUNTED))


def recounted(assignments: Iterable[tuple[datetime, Counts]], zone: ZoneInfo) -> dict[Window, Counts]:
    """All windows of one installer as they are in `zone`, from when its assignments were made and what they count."""
    counts: dict[Window, Counts] = {}
    for assigned_at, adds in assignments:
        for kind in WindowKind:
            window = window_at(kind, assigned_at, zone)
            counts[window] = counts.get(window, Counts()).plus(adds)
    return counts


def frees_the_cap(credit_reason: str) -> bool:
    return credit_reason in INVALID_LEAD_CREDITS
