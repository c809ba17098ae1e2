"""How the others first hear of a lead, and how they hear that they never will."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.causation import Cause
from contracts.intake import LeadCreated, LeadRejected
from contracts.values import LeadContact, Location, SealedContact
from services.intake.domain.duplicates import RejectReason
from services.intake.models import Lead
from services.intake.queries import Arrival


def contact_of(lead: Arrival | Lead) -> LeadContact:
    return LeadContact(name=lead.name, email=lead.email, phone=lead.phone, street=lead.street)


def created(lead: Arrival | Lead, sealed: SealedContact | None, same_person: Sequence[UUID] = ()) -> LeadCreated:
    return LeadCreated(
        lead_id=lead.id,
        source_id=lead.source_id,
        selected_path=lead.selected_path,
        service=lead.service,
        location=Location(suburb=lead.suburb, state=lead.state, postcode=lead.postcode),
        sealed_contact=sealed,
        same_person_lead_ids=tuple(same_person),
        received_at=lead.received_at,
    )


def rejected(lead_id: UUID, reason: RejectReason, now: datetime) -> LeadRejected:
    return LeadRejected(lead_id=lead_id, reason_code=reason, rejected_at=now)


def cause_of(lead: Arrival | Lead) -> Cause | None:
    """The request that handed it in, so that its way is one trace."""
    if lead.correlation_id is None:
        return None
    return Cause(lead.correlation_id, None, lead.traceparent)
