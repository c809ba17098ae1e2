"""What an operator may do with an item of the exception queue: one rule for the command, the JSON and the page."""

from enum import StrEnum


class QueueAction(StrEnum):
    ASSIGN = "assign"
    RETRY = "retry"
    RESOLVE = "resolve"


class QueueObstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    RESOLVED = "it is resolved"
    LEAD_CLOSED = "the lead is closed"
    NO_FREE_SHARE = "all of its shares are given"


def obstacle_to(action: QueueAction, *, is_open: bool, is_closed: bool, free_shares: int) -> QueueObstacle | None:
    """The first thing in the way of it; None where it can be done. `free_shares` nobody has, or is about to have."""
    if not is_open:
        return QueueObstacle.RESOLVED
    if action is QueueAction.RESOLVE:
        return None
    if is_closed:
        return QueueObstacle.LEAD_CLOSED
    return QueueObstacle.NO_FREE_SHARE if free_shares <= 0 else None
