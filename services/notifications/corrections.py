"""A corrected lead as the mail that tells who has it: what is right now, and what of it changed."""

from collections.abc import Mapping
from typing import Any

from chassis.causation import Cause
from contracts.envelope import Incoming
from contracts.routing import AssignmentLeadCorrected
from services.notifications.commands.messages import Draft
from services.notifications.domain.purposes import MailPurpose

OF_THE_PERSON = frozenset({"name", "email", "phone", "street"})


def is_readable(event: AssignmentLeadCorrected) -> bool:
    """A contact that is sealed cannot be told. Where place or service alone were wrong, none comes along."""
    if event.contact is not None:
        return True
    return event.sealed_contact is None and OF_THE_PERSON.isdisjoint(event.fields)


def lead_correction(incoming: Incoming[AssignmentLeadCorrected]) -> Draft:
    event = incoming.event
    return Draft(
        purpose=MailPurpose.LEAD_CORRECTION,
        subject_kind="lead_correction",
        subject_id=event.correction_id,
        recipient_email=event.deliver_to,
        recipient_name=event.installer_name,
        context=_context(event),
        cause=Cause.of(incoming.envelope),
    )


def _context(event: AssignmentLeadCorrected) -> Mapping[str, Any]:
    return {
        "contact": event.contact.model_dump() if event.contact else None,
        **event.location.model_dump(mode="json"),
        "service": event.service,
        "changed": list(event.fields),
        "installer_name": event.installer_name,
        "corrected_at": event.corrected_at.isoformat(),
        "assignment_id": str(event.assignment_id),
        "lead_id": str(event.lead_id),
    }
