"""What an operator may do with an assignment: one rule for the command, the JSON, the page and the bulk action."""

from collections.abc import Mapping
from enum import StrEnum

from services.routing.domain.returns import TakingObstacle, obstacle_to_taking
from services.routing.domain.states import AssignmentStatus, CapState


class AssignmentAction(StrEnum):
    CANCEL = "cancel"
    RELEASE_CAP = "release-cap"
    TAKE_RETURN = "take-return"


class AssignmentObstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    SENT = "it is sent, so the installer has the lead"
    FAILED = "its delivery failed"
    CANCELLED = "it is cancelled"
    RETURNED = "it was sent, and the installer returned it"
    RESERVED = "its place is reserved, and counts only once the lead is sent"
    RELEASED = "its place was released before"
    GIVEN_BACK = "its place was given back when it ended"


_TO_CANCEL: Mapping[AssignmentStatus, AssignmentObstacle] = {
    AssignmentStatus.SENT: AssignmentObstacle.SENT,
    AssignmentStatus.FAILED: AssignmentObstacle.FAILED,
    AssignmentStatus.CANCELLED: AssignmentObstacle.CANCELLED,
    AssignmentStatus.RETURNED: AssignmentObstacle.RETURNED,
}
_TO_RELEASE: Mapping[CapState, AssignmentObstacle] = {
    CapState.RESERVED: AssignmentObstacle.RESERVED,
    CapState.RELEASED: AssignmentObstacle.RELEASED,
    CapState.GIVEN_BACK: AssignmentObstacle.GIVEN_BACK,
}


def obstacle_to_cancelling(status: AssignmentStatus) -> AssignmentObstacle | None:
    """None where it can be done."""
    return _TO_CANCEL.get(status)


def obstacle_to_releasing(cap_state: CapState) -> AssignmentObstacle | None:
    """None where it can be done."""
    return _TO_RELEASE.get(cap_state)


def obstacles_to(
    *, status: AssignmentStatus, cap_state: CapState, is_asked_for: bool
) -> Mapping[AssignmentAction, AssignmentObstacle | TakingObstacle | None]:
    """Of every action, by the rule that its command asks. `is_asked_for`: a return of it waits to be decided."""
    return {
        AssignmentAction.CANCEL: obstacle_to_cancelling(status),
        AssignmentAction.RELEASE_CAP: obstacle_to_releasing(cap_state),
        AssignmentAction.TAKE_RETURN: obstacle_to_taking(status, is_asked_for=is_asked_for),
    }
