"""Why a mail is sent: the words of the wire's own list, and those that are not on it."""

from enum import StrEnum

from contracts.values import MessagePurpose


class MailPurpose(StrEnum):
    """With the subject it is the mail's identity."""

    LEAD_DELIVERY = "lead_delivery"
    INVOICE = "invoice"
    PAYOUT_RECEIPT = "payout_receipt"
    OPS_ALERT = "ops_alert"
    TICKET_REPLY = "ticket_reply"
    DIGEST = "digest"
    ESCALATION = "escalation"
    LEAD_CORRECTION = "lead_correction"
    RETURN_ANSWER = "return_answer"
    STATEMENT = "statement"

    @property
    def on_the_wire(self) -> MessagePurpose:
        """Raises ValueError for what is ours alone."""
        return MessagePurpose(self.value)
