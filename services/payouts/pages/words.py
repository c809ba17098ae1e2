"""The rooms' names and paths, and how the states and reasons of pay are told in all of them."""

from markupsafe import Markup

from chassis.console.cells import chip
from chassis.console.wording import words
from contracts.identity import Capability
from services.payouts.domain import REASONS, PayoutState

PAYOUTS, EXPERTS, SPLITS, SWEEPS = (
    "/console/payouts",
    "/console/experts",
    "/console/board-splits",
    "/console/payout-sweeps",
)
WRITE = Capability.MANAGE_BILLING_OPS
READ = Capability.READ_OPS

UNKNOWN, NEEDS_APPROVAL = "unknown", "needs_approval"
"""Where a payout stands beyond its state: Stripe's answer is lost, or one operator waits for a second."""
NEEDS_YOU = (UNKNOWN, NEEDS_APPROVAL, PayoutState.FAILED.value, PayoutState.ON_HOLD.value)

STANDS = {
    UNKNOWN: "Outcome unknown",
    NEEDS_APPROVAL: "Needs approval",
    "failed": "Failed: release it",
    "on_hold": "On hold",
    "pending": "Waits for client",
    "ready": "Ready for the sweep",
    "sending": "Being sent",
    "sent": "Sent to Stripe",
    "reversed": "Taken back",
}
TONES = {
    UNKNOWN: "danger",
    NEEDS_APPROVAL: "warning",
    "failed": "danger",
    "on_hold": "warning",
    "ready": "info",
    "sending": "info",
    "sent": "positive",
}
TOLD_TO_THE_EXPERT = {
    "pending": "Waits for the client's payment",
    "ready": "Goes with the next pay run",
    "sending": "Being sent to Stripe",
    "sent": "Sent to Stripe, and from there on its way to the bank",
    "failed": "Delayed: we are looking into it",
    "on_hold": "Delayed: we are looking into it",
    "reversed": "Taken back",
}
"""Nothing more than is known: when Stripe's own payout reaches the bank is not ours to see."""

_WHY = REASONS | {
    "approval": "one operator has asked to send it, a second has to approve",
    "answer_lost": "Stripe's answer was lost: it is being looked up",
    "client_invoice_void": "the client's invoice is void: it waits for the next one",
    "client_payment_reversed": "the client's payment went back: it waits until it is paid again",
    "balance_insufficient": "the balance at Stripe did not do: it stays first in line",
    "account_invalid": "Stripe does not know the expert's account",
    "insufficient_capabilities_for_transfer": "the expert's account at Stripe cannot take transfers yet",
    "never_happened": "no answer came, and Stripe has no such transfer",
    "reversal_never_happened": "no answer came, and Stripe has no such reversal",
}
ACCOUNT_REASONS = {
    "requirements.past_due": "the expert owes Stripe details: they have to finish them there",
    "requirements.pending_verification": "Stripe is still checking the expert's details",
    "requirements.fields_needed": "the expert has to finish their details at Stripe",
    "under_review": "Stripe is reviewing the account",
    "platform_paused": "the platform has paused the account",
    "account_invalid": "Stripe does not know the account",
    "transfers_inactive": "transfers are not active for the account yet",
    "listed": "Stripe holds the account back and says no more",
    "other": "Stripe holds the account back and says no more",
}


def why(code: str | None) -> str:
    """A reason as a sentence goes on; empty where nothing is in the way."""
    if not code:
        return ""
    return _WHY.get(code) or f"Stripe says {words(code).lower()}"


def why_not_payable(code: str | None) -> str:
    if code and code.startswith("rejected."):
        return "Stripe has rejected the account"
    return ACCOUNT_REASONS.get(code or "", f"Stripe says {words(code or 'nothing').lower()}")


def say_stands(stands: str, reversed_cents: int = 0) -> str:
    return "Sent, partly taken back" if stands == PayoutState.SENT and reversed_cents else STANDS[stands]


def stands_chip(stands: str, reversed_cents: int = 0) -> Markup:
    return chip(say_stands(stands, reversed_cents), TONES.get(stands, ""))


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
