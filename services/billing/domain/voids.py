"""Voids of issued invoices that a second operator has to agree to: their words, and what is in the way of each."""

from enum import StrEnum


class VoidReason(StrEnum):
    ISSUED_IN_ERROR = "issued_in_error"
    DUPLICATE = "duplicate"
    WRONG_DETAILS = "wrong_details"
    AGREED_CANCELLATION = "agreed_cancellation"


class VoidState(StrEnum):
    """Of what was asked for: an approved one made its invoice void, the others have no effect."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


class VoidObstacle(StrEnum):
    """Why a void that was asked for cannot be decided (any more), as a sentence goes on after it."""

    APPROVED = "its invoice is void by it"
    REJECTED = "it was turned down"
    MAKER = "whoever asked for it cannot agree to it"
    NOT_ISSUED = "its invoice is void"
    HAS_MONEY = "money came in for its invoice: turn it down, and give a credit instead"
    WRITTEN_OFF = "its invoice is written off: reverse that first, or turn it down"
    OWED_OTHERWISE = "another amount is owed by now: turn it down and ask anew"


_DECIDED = {VoidState.APPROVED: VoidObstacle.APPROVED, VoidState.REJECTED: VoidObstacle.REJECTED}


def obstacle_to_approval(
    state: VoidState,
    *,
    is_by_maker: bool,
    is_invoice_issued: bool,
    has_money: bool,
    is_written_off: bool,
    is_what_is_owed: bool,
) -> VoidObstacle | None:
    """The first thing in the way of it; None where it can be agreed to."""
    if state in _DECIDED:
        return _DECIDED[state]
    in_the_way = (
        (is_by_maker, VoidObstacle.MAKER),
        (not is_invoice_issued, VoidObstacle.NOT_ISSUED),
        (has_money, VoidObstacle.HAS_MONEY),
        (is_written_off, VoidObstacle.WRITTEN_OFF),
        (not is_what_is_owed, VoidObstacle.OWED_OTHERWISE),
    )
    return next((obstacle for holds, obstacle in in_the_way if holds), None)


def obstacle_to_rejection(state: VoidState) -> VoidObstacle | None:
    return _DECIDED.get(state)
