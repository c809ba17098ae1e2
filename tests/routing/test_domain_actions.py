"""What may be done with assignments and installers, by the rule that command, JSON and page share."""

import pytest

from contracts.values import InstallerStatus
from services.routing.domain import giving, pausing
from services.routing.domain.giving import AssignmentAction, AssignmentObstacle
from services.routing.domain.pausing import InstallerAction, InstallerObstacle
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
    assert giving.obstacle_to(AssignmentAction.CANCEL, status=status, cap_state=cap_state) is to_cancel
    assert giving.obstacle_to(AssignmentAction.RELEASE_CAP, status=status, cap_state=cap_state) is to_release


def test_an_installer_may_be_made_whatever_it_is_not() -> None:
    assert pausing.actions_on(InstallerStatus.ACTIVE) == [InstallerAction.PAUSE, InstallerAction.SUSPEND]
    assert pausing.actions_on(InstallerStatus.SUSPENDED) == [InstallerAction.ACTIVATE, InstallerAction.PAUSE]
    paused = InstallerStatus.PAUSED
    assert pausing.obstacle_to(paused, status=paused) is InstallerObstacle.PAUSED
