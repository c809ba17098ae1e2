"""Leads that an installer has got and may give back, and what is looked at when it did."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert

from chassis.ids import new_id
from contracts.values import SelectedPath
from services.routing.commands.exceptions import AssignByHand, assign_by_hand
from services.routing.domain.states import LinkKind
from services.routing.models import Assignment, LeadLink
from tests.routing.arrangements import EXCLUSIVE, NOW, ROBIN, Floor, Person, lead

KIM = Person(new_id(), "Kim Tran")
LEAD_PPM = 1_000_000


async def sent(floor: Floor, path: SelectedPath = EXCLUSIVE, **changes: Any) -> Assignment:
    """A lead that the only installer there is has got."""
    arrived = lead(path, **changes)
    await floor.dispatch(arrived)
    [made] = await floor.assignments(arrived.lead_id)
    await floor.deliver(made.id)
    return made


async def by_hand(floor: Floor, installer_id: UUID, **changes: Any) -> Assignment:
    """A lead that nobody may have by itself, given and sent to this installer."""
    arrived = lead(**changes)
    await floor.dispatch(arrived)
    [item] = [each for each in await floor.exceptions(is_open=True) if each.lead_id == arrived.lead_id]
    async with floor.database.transaction() as session:
        await assign_by_hand(session, AssignByHand(item.id, (installer_id,), ROBIN), floor.clock.now())
    [made] = await floor.assignments(arrived.lead_id)
    await floor.deliver(made.id)
    return made


async def link(floor: Floor, one: UUID, other: UUID, kind: LinkKind = LinkKind.MERGED) -> None:
    async with floor.database.transaction() as session:
        row = {"lead_id": one, "other_lead_id": other, "kind": kind, "linked_at": NOW}
        await session.execute(insert(LeadLink).values(**row))


async def balance(floor: Floor, installer_id: UUID) -> int:
    [row] = await floor.rows("SELECT balance_ppm FROM turns_taken WHERE installer_id = :id", id=installer_id)
    return int(row["balance_ppm"])


async def now_of(floor: Floor, assignment_id: UUID) -> Assignment:
    [found] = [each for each in await floor.assignments() if each.id == assignment_id]
    return found
