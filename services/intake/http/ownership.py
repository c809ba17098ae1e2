"""Who looks after a lead."""

from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody
from pydantic import Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, Text, requires
from contracts.identity import Capability
from services.intake.commands.ownership import AssignOwner, UnassignOwner, assign_owner, unassign_owner
from services.intake.http.leads import LeadRow


class LeadOwner(Body):
    """Without `owner_id` nobody has the lead any more. `note` is for who gets it: to hand over what somebody has
    needs one.
    """

    owner_id: Annotated[UUID | None, Field(strict=False)] = None
    note: Text | None = None


@post("/admin/leads/{lead_id:uuid}/owner", guards=[requires(Capability.WRITE_ROUTING)], status_code=200)
async def set_lead_owner(
    lead_id: FromPath[UUID],
    data: JSONBody[LeadOwner],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> LeadRow:
    """Assign a lead, hand it over, or unassign it. Given to who has it already, it stays as it is."""
    async with database.transaction() as session:
        if data.owner_id is None:
            unassign = UnassignOwner(lead_id, data.note, operator, clock.now())
            return await LeadRow.of(session, await unassign_owner(session, unassign))
        assign = AssignOwner(lead_id, data.owner_id, data.note, operator, clock.now())
        return await LeadRow.of(session, await assign_owner(session, assign))


ROUTES = (set_lead_owner,)
