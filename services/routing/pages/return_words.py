"""What the rooms call the states of a return, what its rule saw, and what became of its credit."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from chassis.console.cells import Kind, Shown
from chassis.console.wording import words
from contracts.values import CreditReason
from services.routing.domain.returns import ReturnCode, ReturnState

STATES: Mapping[str, str] = {
    ReturnState.REQUESTED: "To decide",
    ReturnState.ACCEPTED: "Accepted",
    ReturnState.DENIED: "Denied",
    ReturnState.WITHDRAWN: "Withdrawn",
}
TONES: Mapping[str, str] = {ReturnState.REQUESTED: "warning", ReturnState.ACCEPTED: "positive"}

RULES: Mapping[str, str] = {
    "its_mail_came_back": "Sure: its mail came back, so it never had the lead",
    "found_invalid_before": "Sure: the contact was found invalid when another gave the lead back",
    "had_the_person_before": "Sure: it had this person before",
    "no_earlier_one_known": "No earlier lead of this person is known",
    "given_outside_by_hand": "Sure: given outside its territory by hand",
    "given_unoffered_by_hand": "Sure: given by hand, though it does not do this",
    "its_decision_does_not_tell": "Its decision does not tell",
    "quota_is_used": "Only a person can tell; its quota is used",
    "a_person_can_tell": "Only a person can tell",
    "quota_used": "Denied by the policy: its quota is used",
    "window_passed": "Sure: asked for after the window",
    "inside_territory": "Sure: the place was in its territory",
    "service_offered": "Sure: it does this service",
}

NONE, ASKED = "none", "asked"
CREDITS: Mapping[str, str] = {
    NONE: "No credit",
    ASKED: "On its way to finance",
    "proposed": "Waits for finance",
    "pending_approval": "Waits for a second operator",
    "waits_for_invoice": "Waits for its invoice",
    "credited": "Credited",
    "voided": "Taken off before it was billed",
    "not_charged": "Was never charged",
    "declined": "Declined by finance",
    "refused": "Refused by billing",
}
CREDIT_TONES: Mapping[str, str] = {
    "proposed": "warning",
    "pending_approval": "warning",
    "credited": "positive",
    "voided": "positive",
    "declined": "danger",
    "refused": "danger",
}


def last_day(ends_at: datetime) -> Shown:
    """The day that ends with it: midnight itself would be told as the next one's."""
    return Shown(ends_at - timedelta(microseconds=1), Kind.DAY)


def told_credit(code: ReturnCode) -> str:
    """What of the money, before the button is pressed."""
    if (reason := code.credit_reason) is not None:
        return f"A credit for {words(reason).lower()} is proposed to finance, who agree to it or decline it."
    return "Where you choose a credit it is proposed to finance, who agree to it or decline it."


def told_offer(code: ReturnCode) -> str:
    """What of the lead itself."""
    match code.is_offered_on:
        case True:
            return "The lead is offered to others at once, by the rules and caps of now."
        case False:
            return "The lead is not offered to others: where nobody has it, it comes into the exception queue."
    return "Where you tick it, the lead is offered to others; otherwise it comes into the exception queue."


CREDIT_OPTIONS = [("", "No credit"), *((str(reason), words(reason)) for reason in CreditReason)]
