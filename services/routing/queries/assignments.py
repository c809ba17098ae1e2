"""Assignments: locked for a command, listed for operators."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.states import AssignmentStatus
from services.routing.errors import NoSuchAssignment
from services.routing.models import Assignment, Dispatch
from services.routing.queries.arrays import among


async def of_lead(session: AsyncSession, lead_id: UUID) -> Sequence[Assignment]:
    """In the order they were made."""
    found = await session.scalars(
        select(Assignment).where(Assignment.lead_id == lead_id).order_by(Assignment.created_at, Assignment.id)
    )
    return found.all()


async def locked_with_dispatches(
    session: AsyncSession, assignment_ids: Collection[UUID]
) -> tuple[dict[UUID, Assignment], dict[UUID, Dispatch]]:
    """The assignments and their leads' dispatches, by id. Raises NoSuchAssignment where one is not ours.

    Everyone locks dispatches before assignments before cap counters, each in id order: nobody waits in a circle.
    """
    owners = select(Assignment.lead_id).where(among(Assignment.id, assignment_ids))
    dispatches = await session.scalars(
        select(Dispatch).where(Dispatch.lead_id.in_(owners)).order_by(Dispatch.lead_id).with_for_update(key_share=True)
    )
    by_lead = {dispatch.lead_id: dispatch for dispatch in dispatches}
    assignments = await session.scalars(
        select(Assignment)
        .where(among(Assignment.id, assignment_ids))
        .order_by(Assignment.id)
        .with_for_update(key_share=True)
    )
    by_id = {assignment.id: assignment for assignment in assignments}
    unknown = set(assignment_ids) - by_id.keys()
    if unknown:
        raise NoSuchAssignment("a message is about an assignment that was never made", assignment_id=min(unknown))
    return by_id, by_lead


async def leads_with_live_ones(session: AsyncSession, lead_ids: Collection[UUID]) -> set[UUID]:
    """Those of the leads that an installer has, or is about to get."""
    live = [status for status in AssignmentStatus if status.is_live]
    found = await session.scalars(
        select(Assignment.lead_id).where(among(Assignment.lead_id, lead_ids), Assignment.status.in_(live)).distinct()
    )
    return set(found)
