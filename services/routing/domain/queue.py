"""What an operator may do with an item of the exception queue: one rule for the command, the JSON and the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

LONGEST_SNOOZE = timedelta(days=366)


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
    NOT_AHEAD = "the time is past, or more than a year ahead"


def is_ahead(until: datetime, now: datetime) -> bool:
    """Whether anything can be snoozed until then: else QueueObstacle.NOT_AHEAD is in the way."""
    return now < until <= now + LONGEST_SNOOZE


def has_fewest(open_counts: Mapping[UUID, int]) -> UUID | None:
    """Who gets what nobody has taken where nobody is named for it; of those who have as few, the first by id."""
    return min(open_counts, key=lambda operator_id: (open_counts[operator_id], operator_id), default=None)


@dataclass(frozen=True, slots=True)
class ItemState:
    """`free_shares` nobody has, or is about to have; `has_installer` where somebody has another one."""

    is_open: bool
    is_closed: bool
    free_shares: int
    is_owned: bool = False
    is_snoozed: bool = False
    has_installer: bool = False


def obstacle_to(action: QueueAction, state: ItemState) -> QueueObstacle | None:
    """The first thing in the way of it; None where it can be done."""
    if not state.is_open:
        return QueueObstacle.RESOLVED
    return next((obstacle for obstacle, is_there in _in_the_way(action, state) if is_there), None)


def _in_the_way(action: QueueAction, state: ItemState) -> Sequence[tuple[QueueObstacle, bool]]:
    closed = (QueueObstacle.LEAD_CLOSED, state.is_closed)
    giving = (closed, (QueueObstacle.NO_FREE_SHARE, state.free_shares <= 0))
    return {
        QueueAction.ASSIGN: giving,
        QueueAction.RETRY: giving,
        QueueAction.REJECT: (closed, (QueueObstacle.HAS_INSTALLER, state.has_installer)),
        QueueAction.CLAIM: ((QueueObstacle.OWNED, state.is_owned),),
        QueueAction.UNASSIGN: ((QueueObstacle.UNOWNED, not state.is_owned),),
        QueueAction.SNOOZE: ((QueueObstacle.SNOOZED, state.is_snoozed),),
        QueueAction.WAKE: ((QueueObstacle.AWAKE, not state.is_snoozed),),
    }.get(action, ())
