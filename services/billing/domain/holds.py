"""Credit hold: an account that gets no more on credit until finance lifts it."""

from enum import StrEnum


class HoldAction(StrEnum):
    SET = "set_credit_hold"
    LIFT = "lift_credit_hold"


class HoldObstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    HELD = "it is on hold"
    NOT_HELD = "it is not on hold"


def obstacle_to(action: HoldAction, *, is_held: bool) -> HoldObstacle | None:
    if action is HoldAction.SET:
        return HoldObstacle.HELD if is_held else None
    return None if is_held else HoldObstacle.NOT_HELD
