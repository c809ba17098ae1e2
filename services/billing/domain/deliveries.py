"""What an operator may do with a delivery in the ledger: one rule for the command, the JSON and the page."""

from enum import StrEnum

from services.billing.domain.statuses import EventStatus


class VoidObstacle(StrEnum):
    """What is in the way of voiding it, as a sentence goes on after the action's name."""

    VOID = "it is void already"
    BILLED = "it is billed: credit its line, or void the draft that it stands on"
    OVER_THE_LIMIT = "it is over the limit of one operator: bill it, and have its credit agreed to"


def obstacle_to_void(
    status: EventStatus, *, is_billed: bool, inc_gst_cents: int, limit_cents: int
) -> VoidObstacle | None:
    """The first thing in the way; None where it can be done. Beyond the limit no operator lets money go alone."""
    if status is EventStatus.VOID:
        return VoidObstacle.VOID
    if status is EventStatus.CREDITED or is_billed:
        return VoidObstacle.BILLED
    return VoidObstacle.OVER_THE_LIMIT if inc_gst_cents > limit_cents else None
