"""The way of one lead so far."""

from collections.abc import Sequence
from dataclasses import replace

from chassis.console.timeline import Moment
from chassis.console.wording import words
from services.intake.commands.merging import MERGED
from services.intake.domain import LeadStatus
from services.intake.models import LeadStatusChange
from services.intake.pages import lead_deeds
from services.intake.pages.lead_file import LeadFile

STEPS = {
    LeadStatus.ROUTABLE: "took it in: it may be dispatched",
    LeadStatus.DUPLICATE_REVIEW: "held it for a look at what it may double",
    LeadStatus.REJECTED: "rejected it",
    LeadStatus.DISPATCHING: "chose who gets it",
    LeadStatus.DELIVERED: "delivered it",
    LeadStatus.EXCEPTION: "could not place it",
    LeadStatus.CLOSED: "closed the lead",
}


async def steps_of(file: LeadFile) -> Sequence[Moment]:
    """Steps on the business clock; what an operator did is told by the audit, which has their words.

    Who was chosen is told by the decision, where that is known.
    """
    own = [moment for moment in file.audit if moment.what == lead_deeds.VERBS["close_lead"]]
    decided = {(LeadStatus.DISPATCHING, decision.decided_at) for decision in file.known.decisions}
    steps = [
        change
        for change in file.history
        if (change.to_status, change.changed_at) not in decided and not _is_told_by_audit(change)
    ]
    return [_step(change, own) for change in reversed(steps)]


def _is_told_by_audit(change: LeadStatusChange) -> bool:
    """What an operator did to it but to close it: to release, reject, merge or unmerge."""
    is_closed = change.to_status is LeadStatus.CLOSED and change.reason_code != MERGED
    return change.actor_name is not None and not is_closed


def _step(change: LeadStatusChange, own: Sequence[Moment]) -> Moment:
    if change.actor_name is not None and own:
        return replace(own[0], at=change.changed_at)
    who = change.actor_name or ("Dispatch" if change.event_id else "Waybill")
    return Moment(
        change.changed_at,
        who,
        STEPS.get(change.to_status, words(change.to_status)),
        reason=words(change.reason_code or ""),
    )


async def arrival_of(file: LeadFile) -> Sequence[Moment]:
    return [Moment(file.lead.received_at, file.source.name, "handed it in")]
