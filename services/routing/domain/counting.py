"""How places under the caps move between reserved, used and free, in the windows of the assignment's instant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.values import CreditReason
from services.routing.domain.states import CapState
from services.routing.domain.windows import Window, WindowKind, window_at


class Counts(NamedTuple):
    """As a change, either may be negative."""

    reserved: int = 0
    used: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(self.reserved + other.reserved, self.used + other.used)


class CapChange(Enum):
    COMMIT = Counts(reserved=-1, used=1)
    GIVE_BACK = Counts(reserved=-1)
    RELEASE = Counts(used=-1)


@dataclass(frozen=True, slots=True)
class CapMove:
    """`assigned_at` decides which windows it concerns: a place is freed where it was taken."""

    installer_id: UUID
    assigned_at: datetime
    change: CapChange


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


HELD = {CapState.RESERVED: Counts(reserved=1), CapState.COUNTED: Counts(used=1)}
"""What an assignment holds; released and given back hold nothing."""


def recounted(places: Iterable[tuple[datetime, CapState]], zone: ZoneInfo) -> dict[Window, Counts]:
    """All windows of one installer as they are in `zone`, from the assignments that hold a place."""
    counts: dict[Window, Counts] = {}
    for assigned_at, state in places:
        for kind in WindowKind:
            window = window_at(kind, assigned_at, zone)
            counts[window] = counts.get(window, Counts()).plus(HELD[state])
    return counts


INVALID_LEAD_CREDITS = frozenset(
    {CreditReason.INVALID_CONTACT, CreditReason.POSTCODE_MISMATCH, CreditReason.UNREACHABLE_PAYLOAD}
)
"""Credits that say that the lead itself was no good. Any other is a matter of money alone and leaves the cap."""


def frees_the_cap(credit_reason: str) -> bool:
    return credit_reason in INVALID_LEAD_CREDITS
