"""A corrected lead as the mail that tells who has it: what is right now, and what of it changed."""

from collections.abc import Mapping
from typing import Any

from chassis.causation import Cause
from contracts.envelope import Incoming
from contracts.routing import AssignmentLeadCorrected
from services.notifications.commands.messages import Draft
from services.notifications.domain.contacts import PARTS, Gone, Person, Waits, told_in, told_openly
from services.notifications.domain.purposes import MailPurpose

OF_THE_PERSON = PARTS


def can_be_told(event: AssignmentLeadCorrected, person: Person) -> bool:
    """Where place or service alone were wrong, no contact comes along; else nothing is told of who is erased."""
    return not isinstance(person, Gone) or OF_THE_PERSON.isdisjoint(event.fields)


def lead_correction(incoming: Incoming[AssignmentLeadCorrected], person: Person | None = None) -> Draft:
    """Of the person as they are told in words, unless it is known better."""
    event = incoming.event
    person = person or told_openly(event.contact)
    return Draft(
        purpose=MailPurpose.LEAD_CORRECTION,
        subject_kind="lead_correction",
        subject_id=event.correction_id,
        recipient_email=event.deliver_to,
        recipient_name=event.installer_name,
        context=_context(event, person),
        cause=Cause.of(incoming.envelope),
        waits_for_lead_id=event.lead_id if isinstance(person, Waits) else None,
    )


def _context(event: AssignmentLeadCorrected, person: Person) -> Mapping[str, Any]:
    return {
        **told_in(MailPurpose.LEAD_CORRECTION, person),
        **event.location.model_dump(mode="json"),
        "service": event.service,
        "changed": list(event.fields),
        "installer_name": event.installer_name,
        "corrected_at": event.corrected_at.isoformat(),
        "assignment_id": str(event.assignment_id),
        "lead_id": str(event.lead_id),
    }
