"""Returns as mail: a denied one is told to the installer with its reason, and what must not wait alerts operations."""

from chassis.causation import Cause
from contracts.envelope import Incoming
from contracts.routing import AssignmentReturnDenied, AssignmentReturnRequested
from services.notifications.commands.alerts import AlertKind, Trouble
from services.notifications.commands.messages import Draft
from services.notifications.domain.purposes import MailPurpose

NO_CONSENT = AlertKind(
    AssignmentReturnRequested.type,
    "Leads were returned for consent or compliance",
    "Look at the evidence of the person's consent at once: the return is decided in its own room.",
)
ALARMING = frozenset({"consent_or_compliance"})


def is_alarming(event: AssignmentReturnRequested) -> bool:
    return event.reason_code in ALARMING


def no_consent(incoming: Incoming[AssignmentReturnRequested]) -> Trouble:
    event = incoming.event
    ids = {"return": str(event.return_id), "assignment": str(event.assignment_id), "lead": str(event.lead_id)}
    at = event.requested_at.isoformat()
    return Trouble(incoming.envelope.id, event.reason_code, at, ids, cause=Cause.of(incoming.envelope))


def return_answer(incoming: Incoming[AssignmentReturnDenied]) -> Draft:
    event = incoming.event
    told = {"reason_code", "denial_code", "message", "installer_name", "denied_at", "assignment_id", "lead_id"}
    return Draft(
        purpose=MailPurpose.RETURN_ANSWER,
        subject_kind="return",
        subject_id=event.return_id,
        recipient_email=event.recipient_email,
        recipient_name=event.installer_name,
        context=event.model_dump(mode="json", include=told),
        cause=Cause.of(incoming.envelope),
    )
