"""What happened to leads and assignments, told for the timelines of their pages: of one instant the latest first."""

from collections.abc import Iterable, Sequence

from chassis.console.timeline import Moment
from chassis.console.wording import words
from contracts.values import CapReleaseReason
from services.routing.domain.states import AssignmentStatus, Channel
from services.routing.http.lead_views import AssignmentView, DecisionView, DispatchView, ExceptionView
from services.routing.models import DispatchException
from services.routing.pages.telling import ordinal

ASSIGNMENT_VERBS = {
    "cancel_assignment": "cancelled it",
    "release_cap": "released its place under the caps",
    "request_return": "took a return of it from its installer",
    "accept_return": "accepted its return",
    "deny_return": "denied its return",
    "withdraw_return": "withdrew its return",
}
ENDS = (ASSIGNMENT_VERBS["cancel_assignment"], ASSIGNMENT_VERBS["accept_return"])
"""What stands in the audit already where it ended an assignment."""


def of_decisions(decided: Iterable[DecisionView]) -> list[Moment]:
    return [
        Moment(
            each.decided_at,
            each.operator_name or "Dispatch",
            f"tried for the {ordinal(each.attempt_no)} time: {each.chosen_count} of {each.wanted_count} chosen",
            reason=each.reason_text or "",
        )
        for each in decided
    ]


def of_item(item: DispatchException | ExceptionView) -> list[Moment]:
    raised = Moment(item.raised_at, "Waybill", f"raised it to the operators: {words(item.reason).lower()}")
    if item.resolved_at is None:
        return [raised]
    ended = Moment(
        item.resolved_at,
        item.resolved_by or "Waybill",
        f"ended what was raised: {words(item.resolution or '').lower()}",
        reason=item.resolved_note or "",
    )
    return [raised, ended]


def of_lead(lead: DispatchView, decided: Sequence[DecisionView]) -> list[Moment]:
    """All that happened to it: its receipt, its attempts, its deliveries, what was raised about it, its end."""
    moments = [Moment(lead.received_at, "Waybill", "received the lead"), *of_decisions(decided)]
    for item in lead.exceptions:
        moments += of_item(item)
    for each in lead.assignments:
        moments += [_named(each, moment) for moment in _of_mail(each)]
    if lead.closed_at is not None:
        moments.append(Moment(lead.closed_at, "Intake", "closed the lead: nobody gets it any more"))
    return moments[::-1]


def of_assignment(made: AssignmentView, audited: Sequence[Moment]) -> list[Moment]:
    """What an operator did stands in the audit already, with their name and reason."""
    moments = [Moment(made.created_at, "Dispatch", "gave it the lead"), *_of_mail(made)]
    has_been = {moment.what for moment in audited}
    if not has_been.isdisjoint(ENDS):
        moments = [moment for moment in moments if moment.at != made.ended_at]
    if made.cap_released_at is not None and ASSIGNMENT_VERBS["release_cap"] not in has_been:
        is_credited = made.cap_release_reason is CapReleaseReason.CREDIT_LINKED
        why = "its delivery was credited" if is_credited else "it was returned"
        what = f"released its place under the caps, as {why}"
        moments.append(Moment(made.cap_released_at, "Waybill", what, reason=words(made.cap_release_reason or "")))
    return [*audited, *reversed(moments)]


_ENDS = {
    AssignmentStatus.FAILED: "could not deliver it",
    AssignmentStatus.CANCELLED: "cancelled it",
    AssignmentStatus.RETURNED: "took it back, as the installer returned it",
}


def _of_mail(made: AssignmentView) -> list[Moment]:
    moments = []
    if made.sent_at is not None:
        what = "webhook" if made.channel is Channel.WEBHOOK else "mail"
        moments.append(Moment(made.sent_at, "Waybill", f"sent it: the {what} was taken over, and it is billable"))
    if made.ended_at is None:
        return moments
    because = ": ".join(part for part in (words(made.ended_reason or ""), made.ended_note or "") if part)
    return [*moments, Moment(made.ended_at, "Waybill", _ENDS[made.status], reason=because)]


def _named(made: AssignmentView, moment: Moment) -> Moment:
    return Moment(moment.at, moment.who, f"{moment.what} ({made.installer_name})", reason=moment.reason)
