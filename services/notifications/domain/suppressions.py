"""The suppression list: which of its entries hold, and what can be done with them."""

from datetime import datetime
from enum import StrEnum


class SuppressionAction(StrEnum):
    LIFT = "lift"


class SuppressionObstacle(StrEnum):
    """What is in the way, as a sentence goes on after the action's name."""

    LIFTED = "it was lifted"
    EXPIRED = "it has expired"


def obstacle_to_lifting(lifted_at: datetime | None, expires_at: datetime, now: datetime) -> SuppressionObstacle | None:
    """None while it holds."""
    if lifted_at is not None:
        return SuppressionObstacle.LIFTED
    return SuppressionObstacle.EXPIRED if expires_at <= now else None
