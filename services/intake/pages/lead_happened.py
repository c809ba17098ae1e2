"""What happened to a lead elsewhere and may happen again, or was followed by something else: nothing is left out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from chassis.console.timeline import Moment
from chassis.console.wording import Wording, money, words
from services.intake.models import LeadMoment
from services.intake.pages.lead_file import LeadFile
from services.intake.pages.lead_known import name_of

BY_A_DEBIT = "added it by a debit to {number} of {name}"
TOLD: Mapping[str, tuple[str, str]] = {
    "assignment.return_requested": ("{name}", "asked to give it back"),
    "assignment.returned": ("Dispatch", "took it back from {name}, who returned it"),
    "assignment.return_denied": ("Dispatch", "denied {name} its return"),
    "assignment.return_withdrawn": ("{name}", "keeps it after all"),
    "delivery.held": ("Billing", "found no price for the delivery to {name}"),
    "delivery.recorded": ("Billing", "charged {name} {amount} for it"),
    "delivery.credited": ("Billing", "credited it to {name}"),
    "delivery.voided": ("Billing", "took the delivery to {name} off the books"),
    "dispatch.exception_escalated": ("Dispatch", "escalated it: it waits longer than it may"),
    "dispatch.exception_owner_changed": ("Dispatch", "{whose}"),
    "dispatch.exception_snoozed": ("Dispatch", "{put_off}"),
    "invoice.deliveries_listed": ("Billing", "put it on {number} of {name}"),
    "invoice.payment_recorded": ("{number}", "was paid in part{how_much}"),
    "invoice.payment_reversed": ("{number}", "lost a payment that went back{how_much}"),
    "invoice.credit_applied": ("{number}", "was paid in part from the customer's credit{how_much}"),
    "invoice.credit_unapplied": ("{number}", "lost the customer's credit again{how_much}"),
    "invoice.paid": ("{number}", "was paid"),
    "invoice.voided": ("{number}", "was voided"),
    "invoice.written_off": ("{number}", "was written off"),
    "invoice.write_off_reversed": ("{number}", "is owed again: its write-off was reversed"),
    "invoice.adjusted": ("{number}", "was raised by a debit{how_much}"),
    "message.settled": ("Mail", "{mailed}"),
}
"""Who did what, by the event's type; what the consumers remember has its words here."""

MAILED: Mapping[str, tuple[str, str]] = {
    "lead_correction": ("told {name} of the correction", "could not tell {name} of the correction"),
    "return_answer": ("told {name} why its return was denied", "could not tell {name} why its return was denied"),
}
"""By a mail's purpose, where it was accepted and where it failed."""


async def moments_of(file: LeadFile) -> Sequence[Moment]:
    """The latest first."""
    names = {each.assignment_id: name_of(each) for each in file.known.assignments}
    numbers = {each.invoice_id: each.number for each in file.known.happened if each.invoice_id and each.number}
    return [_told(each, names, numbers, file.console.wording) for each in reversed(file.known.happened)]


def _told(happened: LeadMoment, names: Mapping[UUID, str], numbers: Mapping[UUID, str], wording: Wording) -> Moment:
    who, what = TOLD[happened.kind]
    name = names.get(happened.subject_id, "")
    known = {
        "name": name,
        "mailed": _mailed(happened, name),
        "whose": f"gave its exception to {happened.detail}" if happened.detail else "left its exception to nobody",
        "put_off": _put_off(happened, wording) if happened.kind == "dispatch.exception_snoozed" else "",
        "number": (numbers.get(happened.invoice_id) if happened.invoice_id else None) or "The invoice",
        "amount": money(happened.amount_cents),
        "how_much": _how_much(happened),
    }
    if happened.adjustment_id and happened.kind == "invoice.deliveries_listed":
        what = BY_A_DEBIT
    reason = words(happened.reason_code or "")
    return Moment(happened.at, who.format(**known), what.format(**known), reason=reason)


def _mailed(happened: LeadMoment, name: str) -> str:
    """The wire's purposes may grow."""
    accepted, failed = MAILED.get(happened.purpose or "", ("reached {name}", "could not reach {name}"))
    return (accepted if happened.outcome == "accepted" else failed).format(name=name)


def _put_off(happened: LeadMoment, wording: Wording) -> str:
    if happened.detail is None:
        return "took its exception up again"
    return f"put its exception off until {wording.exact(datetime.fromisoformat(happened.detail))}"


def _how_much(happened: LeadMoment) -> str:
    """Nothing where it was told before amounts were kept."""
    if happened.amount_cents is None or happened.balance_cents is None:
        return ""
    return f": {money(happened.amount_cents)}, {money(happened.balance_cents)} left to pay"
