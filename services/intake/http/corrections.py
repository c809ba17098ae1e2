"""Corrections of leads: what was wrong is right from now on, and whoever has the lead is told."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody
from pydantic import Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, Text, requires
from contracts.identity import Capability
from contracts.values import AustralianState
from services.intake.commands.leads.correcting import FIELDS, CorrectLead, correct_lead
from services.intake.domain.corrections import CorrectionReason
from services.intake.http.fields import Email, PersonName, Phone, Postcode, ServiceSlug, Street, Suburb
from services.intake.http.leads import LeadRow

Credits = Annotated[
    list[Annotated[UUID, Field(strict=False)]],
    Field(min_length=1, max_length=20, description="assignments whose deliveries are to be credited"),
]


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

    def command(self, lead_id: UUID, operator: Operator, clock: Clock, asked: Sequence[UUID] = ()) -> CorrectLead:
        """`asked` are assignments whose deliveries are to be credited for what was wrong."""
        given = {name: str(value) for name in FIELDS if (value := getattr(self, name)) is not None}
        return CorrectLead(lead_id, given, self.reason_code, self.reason, operator, clock.now(), tuple(asked))


class LeadCorrectingWithCredits(LeadCorrecting):
    """`credits` are assignments of the lead that were charged."""

    credits: Credits


@post("/admin/leads/{lead_id:uuid}/corrections", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def correct_lead_by_hand(
    lead_id: FromPath[UUID],
    data: JSONBody[LeadCorrecting],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> LeadRow:
    """Correct contact, place or service. Who has the lead is told; dispatch follows while nobody has it."""
    async with database.transaction() as session:
        return await LeadRow.of(session, await correct_lead(session, data.command(lead_id, operator, clock)))


@post(
    "/admin/leads/{lead_id:uuid}/corrections-with-credits",
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
    status_code=200,
)
async def correct_lead_with_credits(
    lead_id: FromPath[UUID],
    data: JSONBody[LeadCorrectingWithCredits],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> LeadRow:
    """Correct a lead and ask finance to credit who was charged for what was wrong; each answer stands on its page."""
    async with database.transaction() as session:
        lead = await correct_lead(session, data.command(lead_id, operator, clock, data.credits))
        return await LeadRow.of(session, lead)


ROUTES = (correct_lead_by_hand, correct_lead_with_credits)
