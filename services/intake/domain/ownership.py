"""Who looks after a lead: one operator at a time, or nobody."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from uuid import UUID

from contracts.identity import Capability
from services.intake.domain.leads import LeadStatus
from services.intake.domain.obstacles import Obstacle


class OwnerDeed(StrEnum):
    """To take is to assign to oneself; to hand over is to assign what somebody has."""

    TAKE = "take"
    ASSIGN = "assign"
    HAND_OVER = "hand_over"
    UNASSIGN = "unassign"

    @property
    def needs_owner(self) -> bool:
        return self in (OwnerDeed.HAND_OVER, OwnerDeed.UNASSIGN)


_FINAL = {LeadStatus.REJECTED: Obstacle.REJECTED, LeadStatus.CLOSED: Obstacle.CLOSED}


def obstacle_to_owning(deed: OwnerDeed, status: LeadStatus, *, is_owned: bool) -> Obstacle | None:
    """The first thing in the way. What is over keeps the owner that it had."""
    if status in _FINAL:
        return _FINAL[status]
    if deed.needs_owner and not is_owned:
        return Obstacle.NOBODYS
    return Obstacle.SOMEBODYS if is_owned and not deed.needs_owner else None


def may_own(capabilities: Collection[str], *, is_active: bool) -> bool:
    """Whether an operator can be given leads and follow-ups: who cannot sign in or do the work is given none."""
    return is_active and Capability.WRITE_ROUTING in capabilities


def has_fewest(numbers: Mapping[UUID, int]) -> UUID | None:
    """Who gets what somebody had who may own nothing any more; of those who have as few, the first by id."""
    return min(numbers, key=lambda operator_id: (numbers[operator_id], operator_id), default=None)
