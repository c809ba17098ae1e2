"""What an operator may make of an installer's status: one rule for the command, the JSON, the page and in bulk."""

from enum import StrEnum

from contracts.values import InstallerStatus


class InstallerAction(StrEnum):
    ACTIVATE = "activate"
    PAUSE = "pause"
    SUSPEND = "suspend"

    @property
    def status(self) -> InstallerStatus:
        """What it leads to."""
        return _LEADS_TO[self]


_LEADS_TO = {
    InstallerAction.ACTIVATE: InstallerStatus.ACTIVE,
    InstallerAction.PAUSE: InstallerStatus.PAUSED,
    InstallerAction.SUSPEND: InstallerStatus.SUSPENDED,
}


class InstallerObstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    ACTIVE = "it is active"
    PAUSED = "it is paused"
    SUSPENDED = "it is suspended"


def obstacle_to(wanted: InstallerStatus, *, status: InstallerStatus) -> InstallerObstacle | None:
    """Any status leads to any other; none leads to itself."""
    return InstallerObstacle[status.name] if wanted is status else None


def actions_on(status: InstallerStatus) -> list[InstallerAction]:
    return [action for action in InstallerAction if obstacle_to(action.status, status=status) is None]
