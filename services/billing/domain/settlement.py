"""What takes settlement back or ends it: the words of reversals and write-offs, and the GST of what is written off."""

from enum import StrEnum

from services.billing.domain.gst import round_half_up


class ReversalReason(StrEnum):
    """Why money that was recorded as received is not there any more, or never was."""

    ENTERED_IN_ERROR = "entered_in_error"
    BOUNCED = "bounced"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"


class WriteOffReason(StrEnum):
    INSOLVENT = "insolvent"
    UNECONOMIC = "uneconomic"
    DISPUTED = "disputed"
    STATUTE_BARRED = "statute_barred"
    OTHER = "other"


class WriteOffState(StrEnum):
    """An approved one is in the books until it is reversed; the others never were or are no more."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVERSED = "reversed"

    @property
    def is_live(self) -> bool:
        """An invoice has one of these at most."""
        return self in {WriteOffState.PENDING, WriteOffState.APPROVED}


def written_off_gst(amount_cents: int, gst_cents: int, total_cents: int) -> int:
    """The GST in an amount that is written off, as it is in the invoice with its credits and debits.

    `gst_cents` and `total_cents` are the adjusted invoice's; all of it written off takes exactly its GST.
    """
    return round_half_up(amount_cents * gst_cents, total_cents)


class WriteOffObstacle(StrEnum):
    """Why a write-off cannot be decided or reversed (any more), as a sentence goes on after it."""

    APPROVED = "it is in the books: reverse it to take it back"
    REJECTED = "it was turned down"
    REVERSED = "it was reversed"
    PENDING = "it is not in the books yet: turn it down"
    MAKER = "whoever asked for it cannot agree to it"
    NOT_ISSUED = "its invoice is void"
    OWED_OTHERWISE = "another amount is owed by now: turn it down and ask anew"


_DECIDED = {
    WriteOffState.APPROVED: WriteOffObstacle.APPROVED,
    WriteOffState.REJECTED: WriteOffObstacle.REJECTED,
    WriteOffState.REVERSED: WriteOffObstacle.REVERSED,
}


def obstacle_to_approval(
    state: WriteOffState, *, is_by_maker: bool, is_invoice_issued: bool, is_what_is_owed: bool
) -> WriteOffObstacle | None:
    """The first thing in the way of it; None where it can be agreed to."""
    if state in _DECIDED:
        return _DECIDED[state]
    if is_by_maker:
        return WriteOffObstacle.MAKER
    if not is_invoice_issued:
        return WriteOffObstacle.NOT_ISSUED
    return None if is_what_is_owed else WriteOffObstacle.OWED_OTHERWISE


def obstacle_to_rejection(state: WriteOffState) -> WriteOffObstacle | None:
    return _DECIDED.get(state)


def obstacle_to_reversal(state: WriteOffState) -> WriteOffObstacle | None:
    if state is WriteOffState.PENDING:
        return WriteOffObstacle.PENDING
    return None if state is WriteOffState.APPROVED else _DECIDED[state]
