"""Credits that are asked of finance because of what was done with a lead before."""

from datetime import datetime
from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, ConfigDict

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, Text, requires
from contracts.identity import Capability
from contracts.values import CreditReason
from services.intake.commands.crediting_later import AskCreditsLater, ask_credits_later
from services.intake.http.corrections import Credits


class CreditsAsking(Body):
    """`credits` are assignments that were charged; `reason` is the operator's own words."""

    credits: Credits
    reason: Text

    def command(self, lead_id: UUID, operator: Operator, clock: Clock) -> AskCreditsLater:
        return AskCreditsLater(lead_id, tuple(self.credits), self.reason, operator, clock.now())


class CreditAskedRow(BaseModel):
    """`deed` is merge or correction. `result` is billing's last answer, null until the first."""

    model_config = ConfigDict(from_attributes=True)

    request_id: UUID
    lead_id: UUID
    deed: str
    deed_id: UUID
    assignment_id: UUID
    installer_id: UUID
    installer_name: str | None
    reason_code: CreditReason
    asked_at: datetime
    asked_by: str
    result: str | None
    detail: str | None
    adjustment_id: UUID | None
    invoice_id: UUID | None
    amount_cents: int | None
    answered_at: datetime | None


@post(
    "/admin/leads/{lead_id:uuid}/credits",
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
    status_code=200,
)
async def ask_for_credits(
    lead_id: FromPath[UUID],
    data: JSONBody[CreditsAsking],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> list[CreditAskedRow]:
    """Ask finance to credit who was charged for a lead that was merged or corrected before; all that stand of it."""
    async with database.transaction() as session:
        asked = await ask_credits_later(session, data.command(lead_id, operator, clock))
    return [CreditAskedRow.model_validate(each) for each in asked]


ROUTES = (ask_for_credits,)
