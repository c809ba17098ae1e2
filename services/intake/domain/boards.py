"""What a board becomes, and what an operator may do with one."""

from enum import StrEnum

from services.intake.domain.obstacles import Obstacle


class BoardStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class BoardAction(StrEnum):
    CLOSE = "close"


def obstacle_to_board(_action: BoardAction, status: BoardStatus) -> Obstacle | None:
    return Obstacle.CLOSED if status is BoardStatus.CLOSED else None
