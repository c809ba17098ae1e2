"""An escalation as the mails that nudge people: one for each recipient, without the person whom the lead is about."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chassis.causation import Cause
from contracts.envelope import Incoming
from contracts.intake import LeadEscalated
from services.notifications.commands.messages import Draft
from services.notifications.domain.purposes import MailPurpose
from services.notifications.models import KnownOperator

TEAM = "Operations"


def nudges(
    incoming: Incoming[LeadEscalated], known: Mapping[UUID, KnownOperator], team_address: str, leads_at: str
) -> list[Draft]:
    """To each recipient who can be reached; to the team where it is asked for, and in place of who cannot be.

    `leads_at` is the address of intake's pages.
    """
    event = incoming.event
    reached = {known[id_].email: known[id_].name for id_ in event.recipient_ids if id_ in known}
    if event.reaches_team or any(id_ not in known for id_ in event.recipient_ids):
        reached[team_address] = TEAM
    context = _context(event, leads_at)
    return [
        Draft(
            purpose=MailPurpose.ESCALATION,
            subject_kind="escalation",
            subject_id=event.escalation_id,
            recipient_email=email,
            recipient_name=name,
            context={**context, "is_team": name == TEAM},
            cause=Cause.of(incoming.envelope),
        )
        for email, name in reached.items()
    ]


def _context(event: LeadEscalated, leads_at: str) -> Mapping[str, Any]:
    follow_up = event.follow_up_id
    path = f"/console/follow-ups/{follow_up}" if follow_up else f"/console/leads/{event.lead_id}"
    return {
        **event.location.model_dump(mode="json"),
        "service": event.service,
        "policy_name": event.policy_name,
        "step_no": event.step_no,
        "is_follow_up": follow_up is not None,
        "waiting_since": event.waiting_since.isoformat(),
        "escalated_at": event.escalated_at.isoformat(),
        "lead_id": str(event.lead_id),
        "page": f"{leads_at.rstrip('/')}{path}",
    }
