"""What an operator may do with an item of the exception queue: one rule for the command, the JSON and the page."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

LONGEST_SNOOZE = timedelta(days=31)


class QueueAction(StrEnum):
    ASSIGN = "assign"
    RETRY = "retry"
    RESOLVE = "resolve"
    CLAIM = "claim"
    HAND_OVER = "hand-over"
    UNASSIGN = "unassign"
    SNOOZE = "snooze"
    WAKE = "wake"
    REJECT = "reject"


class QueueObstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    RESOLVED = "it is resolved"
    LEAD_CLOSED = "the lead is closed"
    NO_FREE_SHARE = "all of its shares are given"
    OWNED = "somebody has it"
    UNOWNED = "nobody has it"
    SNOOZED = "it is snoozed"
    AWAKE = "it is not snoozed"
    HAS_INSTALLER = "an installer has the lead, or is about to"


@dataclass(frozen=True, slots=True)
class ItemState:
    """`free_shares` nobody has, or is about to have; `has_installer` where somebody has another one."""

    is_open: bool
    is_closed: bool
    free_shares: int
    is_owned: bool = False
    is_snoozed: bool = False
    has_installer: bool = False


_A = QueueAction


def obstacle_to(action: QueueAction, state: ItemState) -> QueueObstacle | None:
    """The first thing in the way of it; None where it can be done."""
    if not state.is_open:
        return QueueObstacle.RESOLVED
    match action:
        case _A.RESOLVE | _A.HAND_OVER:
            return None
        case _A.CLAIM:
            return QueueObstacle.OWNED if state.is_owned else None
        case _A.UNASSIGN:
            return None if state.is_owned else QueueObstacle.UNOWNED
        case _A.SNOOZE:
            return QueueObstacle.SNOOZED if state.is_snoozed else None
        case _A.WAKE:
            return None if state.is_snoozed else QueueObstacle.AWAKE
        case _A.REJECT:
            return _obstacle_to_reject(state)
        case _:
            return _obstacle_to_giving(state)


def _obstacle_to_giving(state: ItemState) -> QueueObstacle | None:
    if state.is_closed:
        return QueueObstacle.LEAD_CLOSED
    return QueueObstacle.NO_FREE_SHARE if state.free_shares <= 0 else None


def _obstacle_to_reject(state: ItemState) -> QueueObstacle | None:
    if state.is_closed:
        return QueueObstacle.LEAD_CLOSED
    return QueueObstacle.HAS_INSTALLER if state.has_installer else None
