"""Corrections of leads: what was wrong is right from now on, and whoever has the lead is told."""

from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, Text, requires
from contracts.identity import Capability
from contracts.values import AustralianState
from services.intake.commands.leads.correcting import FIELDS, CorrectLead, correct_lead
from services.intake.domain.corrections import CorrectionReason
from services.intake.domain.wire import ContactForm
from services.intake.http.fields import Email, PersonName, Phone, Postcode, ServiceSlug, Street, Suburb
from services.intake.http.leads import LeadRow
from services.intake.settings import Settings


class LeadCorrecting(Body):
    """What is given and other than it was is corrected. `reason` is the operator's own words."""

    name: PersonName | None = None
    email: Email | None = None
    phone: Phone | None = None
    street: Street | None = None
    suburb: Suburb | None = None
    state: AustralianState | None = None
    postcode: Postcode | None = None
    service: ServiceSlug | None = None
    reason_code: CorrectionReason
    reason: Text | None = None

    def command(self, lead_id: UUID, operator: Operator, clock: Clock, form: ContactForm) -> CorrectLead:
        given = {name: str(value) for name in FIELDS if (value := getattr(self, name)) is not None}
        return CorrectLead(lead_id, given, self.reason_code, self.reason, operator, clock.now(), form)


@post("/admin/leads/{lead_id:uuid}/corrections", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def correct_lead_by_hand(
    lead_id: FromPath[UUID],
    data: JSONBody[LeadCorrecting],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    settings: Given[Settings],
) -> LeadRow:
    """Correct contact, place or service. Who has the lead is told; dispatch follows while nobody has it."""
    async with database.transaction() as session:
        lead = await correct_lead(session, data.command(lead_id, operator, clock, settings.contact_on_the_wire))
    return LeadRow.model_validate(lead)


ROUTES = (correct_lead_by_hand,)
