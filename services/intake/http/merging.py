"""Two leads that are one, and two again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, ConfigDict, Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, Text, requires
from contracts.identity import Capability
from services.intake.commands.merging import MergeLeads, merge_leads
from services.intake.commands.unmerging import UnmergeLead, unmerge_lead
from services.intake.domain.corrections import Correctable
from services.intake.domain.merging import CHOOSABLE, MergeReason, UnmergeReason
from services.intake.http.corrections import Credits

WRITE = Capability.WRITE_ROUTING
Taken = Annotated[
    list[Annotated[Correctable, Field(strict=False)]],
    Field(max_length=len(CHOOSABLE), description="fields that the survivor takes from the loser; `service` is not one"),
]


class LeadMerging(Body):
    """`reason` is the operator's own words. What is not taken from the loser stays as the survivor has it."""

    loser_id: Annotated[UUID, Field(strict=False)]
    take_from_loser: Taken = []
    reason_code: MergeReason
    reason: Text | None = None

    def command(self, survivor_id: UUID, operator: Operator, clock: Clock, asked: Sequence[UUID] = ()) -> MergeLeads:
        return MergeLeads(
            survivor_id=survivor_id,
            loser_id=self.loser_id,
            take=frozenset(self.take_from_loser),
            reason=self.reason_code,
            note=self.reason,
            by=operator,
            now=clock.now(),
            credits=tuple(asked),
        )


class LeadMergingWithCredits(LeadMerging):
    """`credits` are assignments of the loser that were charged."""

    credits: Credits


class Unmerging(Body):
    """`reason` is the operator's own words."""

    reason_code: UnmergeReason
    reason: Text | None = None


class MergeRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    survivor_id: UUID
    loser_id: UUID
    reason_code: MergeReason
    merged_at: datetime
    merged_by: str
    unmerged_at: datetime | None
    unmerged_by: str | None
    unmerge_reason: UnmergeReason | None


@post("/admin/leads/{survivor_id:uuid}/merge", guards=[requires(WRITE)], status_code=200)
async def merge_leads_by_hand(
    survivor_id: FromPath[UUID],
    data: JSONBody[LeadMerging],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> MergeRow:
    """Make two leads one: this one goes on, the other is kept as a tombstone. Nothing is asked of finance."""
    async with database.transaction() as session:
        return MergeRow.model_validate(await merge_leads(session, data.command(survivor_id, operator, clock)))


@post(
    "/admin/leads/{survivor_id:uuid}/merge-with-credits",
    guards=[requires(Capability.MANAGE_BILLING_OPS, step_up=True)],
    status_code=200,
)
async def merge_leads_with_credits(
    survivor_id: FromPath[UUID],
    data: JSONBody[LeadMergingWithCredits],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> MergeRow:
    """Make two leads one and ask finance to credit who was charged for the other; each answer stands on its page."""
    command = data.command(survivor_id, operator, clock, data.credits)
    async with database.transaction() as session:
        return MergeRow.model_validate(await merge_leads(session, command))


@post("/admin/leads/{lead_id:uuid}/unmerge", guards=[requires(WRITE)], status_code=200)
async def unmerge_lead_by_hand(
    lead_id: FromPath[UUID],
    data: JSONBody[Unmerging],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> MergeRow:
    """Take apart the merge of a lead into another: both are as before, but for what was corrected or sent since."""
    command = UnmergeLead(lead_id, data.reason_code, data.reason, operator, clock.now())
    async with database.transaction() as session:
        return MergeRow.model_validate(await unmerge_lead(session, command))


ROUTES = (merge_leads_by_hand, merge_leads_with_credits, unmerge_lead_by_hand)
