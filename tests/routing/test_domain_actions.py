"""What may be done with assignments and installers, by the rule that command, JSON and page share."""

import pytest

from contracts.values import InstallerStatus
from services.routing.domain import giving, pausing
from services.routing.domain.giving import AssignmentAction, AssignmentObstacle
from services.routing.domain.pausing import InstallerAction, InstallerObstacle
from services.routing.domain.returns import TakingObstacle
from services.routing.domain.states import AssignmentStatus, CapState

EACH = [
    (AssignmentStatus.PENDING, CapState.RESERVED, None, AssignmentObstacle.RESERVED),
    (AssignmentStatus.SENT, CapState.COUNTED, AssignmentObstacle.SENT, None),
    (AssignmentStatus.SENT, CapState.RELEASED, AssignmentObstacle.SENT, AssignmentObstacle.RELEASED),
    (AssignmentStatus.FAILED, CapState.GIVEN_BACK, AssignmentObstacle.FAILED, AssignmentObstacle.GIVEN_BACK),
    (AssignmentStatus.CANCELLED, CapState.GIVEN_BACK, AssignmentObstacle.CANCELLED, AssignmentObstacle.GIVEN_BACK),
]


@pytest.mark.parametrize(("status", "cap_state", "to_cancel", "to_release"), EACH)
def test_an_assignment_is_cancelled_while_pending_and_its_place_released_once_counted(
    status: AssignmentStatus,
    cap_state: CapState,
    to_cancel: AssignmentObstacle | None,
    to_release: AssignmentObstacle | None,
) -> None:
    obstacles = giving.obstacles_to(status=status, cap_state=cap_state, is_asked_for=False)
    assert obstacles[AssignmentAction.CANCEL] is to_cancel
    assert obstacles[AssignmentAction.RELEASE_CAP] is to_release


def test_a_return_is_taken_of_what_was_sent_unless_one_waits() -> None:
    def obstacle(*, is_asked_for: bool, status: AssignmentStatus = AssignmentStatus.SENT) -> str | None:
        told = giving.obstacles_to(status=status, cap_state=CapState.COUNTED, is_asked_for=is_asked_for)
        return told[AssignmentAction.TAKE_RETURN]

    assert obstacle(is_asked_for=False) is None
    assert obstacle(is_asked_for=True) is TakingObstacle.REQUESTED
    assert obstacle(is_asked_for=False, status=AssignmentStatus.RETURNED) is TakingObstacle.RETURNED


def test_an_installer_may_be_made_whatever_it_is_not() -> None:
    assert pausing.actions_on(InstallerStatus.ACTIVE) == [InstallerAction.PAUSE, InstallerAction.SUSPEND]
    assert pausing.actions_on(InstallerStatus.SUSPENDED) == [InstallerAction.ACTIVATE, InstallerAction.PAUSE]
    paused = InstallerStatus.PAUSED
    assert pausing.obstacle_to(paused, status=paused) is InstallerObstacle.PAUSED
