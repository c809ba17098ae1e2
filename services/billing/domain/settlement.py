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
