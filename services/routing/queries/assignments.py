"""Assignments: locked for a command, listed for operators."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.routing.domain.states import AssignmentStatus, CapState
from services.routing.errors import NoSuchAssignment
from services.routing.models import Assignment, Dispatch, Installer
from services.routing.queries.arrays import among
from services.routing.queries.locks import row_lock


async def of_lead(session: AsyncSession, lead_id: UUID) -> Sequence[Assignment]:
    """In the order they were made."""
    found = await session.scalars(
        select(Assignment).where(Assignment.lead_id == lead_id).order_by(Assignment.created_at, Assignment.id)
    )
    return found.all()


async def of_leads(session: AsyncSession, lead_ids: Collection[UUID]) -> Sequence[Assignment]:
    """Lead by lead, in the order they were made."""
    query = select(Assignment).where(among(Assignment.lead_id, lead_ids))
    return (await session.scalars(query.order_by(Assignment.lead_id, Assignment.created_at, Assignment.id))).all()


async def last_of(session: AsyncSession, installer_id: UUID, number: int) -> Sequence[tuple[Assignment, Dispatch]]:
    """The newest of the installer's, each with its lead's dispatch."""
    query = (
        select(Assignment, Dispatch)
        .join(Dispatch, Dispatch.lead_id == Assignment.lead_id)
        .where(Assignment.installer_id == installer_id)
        .order_by(Assignment.created_at.desc(), Assignment.id.desc())
        .limit(number)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def named(session: AsyncSession, wanted: UUID, most: int) -> Sequence[tuple[Assignment, Dispatch]]:
    """By its own id or its lead's, the newest first, each with its lead's dispatch."""
    query = (
        select(Assignment, Dispatch)
        .join(Dispatch, Dispatch.lead_id == Assignment.lead_id)
        .where(or_(Assignment.id == wanted, Assignment.lead_id == wanted))
        .order_by(Assignment.created_at.desc(), Assignment.id)
        .limit(most)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def locked_with_dispatches(
    session: AsyncSession, assignment_ids: Collection[UUID]
) -> tuple[dict[UUID, Assignment], dict[UUID, Dispatch]]:
    """The assignments and their leads' dispatches, by id, locked. Raises NoSuchAssignment where one is not ours."""
    owners = select(Assignment.lead_id).where(among(Assignment.id, assignment_ids))
    dispatches = await session.scalars(
        select(Dispatch)
        .where(Dispatch.lead_id.in_(owners))
        .order_by(Dispatch.lead_id)
        .with_for_update(**row_lock(session))
    )
    by_lead = {dispatch.lead_id: dispatch for dispatch in dispatches}
    assignments = await session.scalars(
        select(Assignment)
        .where(among(Assignment.id, assignment_ids))
        .order_by(Assignment.id)
        .with_for_update(**row_lock(session))
    )
    by_id = {assignment.id: assignment for assignment in assignments}
    unknown = set(assignment_ids) - by_id.keys()
    if unknown:
        raise NoSuchAssignment("a message is about an assignment that was never made", assignment_id=min(unknown))
    return by_id, by_lead


async def locked_pending(session: AsyncSession, lead_ids: Collection[UUID]) -> Sequence[Assignment]:
    """Of these leads, whose dispatches are locked already: no other becomes pending meanwhile."""
    if not lead_ids:
        return []
    found = await session.scalars(
        select(Assignment)
        .where(among(Assignment.lead_id, lead_ids), Assignment.status == AssignmentStatus.PENDING)
        .order_by(Assignment.id)
        .with_for_update(**row_lock(session))
    )
    return found.all()


async def locked_live(session: AsyncSession, lead_ids: Collection[UUID]) -> Sequence[tuple[Assignment, Installer]]:
    """What installers have of these leads or are about to get, each with its installer; the dispatches are locked."""
    live = [status for status in AssignmentStatus if status.is_live]
    query = (
        select(Assignment, Installer)
        .join(Installer, Installer.id == Assignment.installer_id)
        .where(among(Assignment.lead_id, lead_ids), Assignment.status.in_(live))
        .order_by(Assignment.id)
        .with_for_update(**row_lock(session), of=Assignment)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def leads_with_live_ones(session: AsyncSession, lead_ids: Collection[UUID]) -> set[UUID]:
    """Those of the leads that an installer has, or is about to get."""
    live = [status for status in AssignmentStatus if status.is_live]
    found = await session.scalars(
        select(Assignment.lead_id).where(among(Assignment.lead_id, lead_ids), Assignment.status.in_(live)).distinct()
    )
    return set(found)


@dataclass(frozen=True, slots=True)
class AssignmentFilter:
    """What is None does not narrow; the window of `created_at` is half-open."""

    installer_id: UUID | None = None
    lead_id: UUID | None = None
    status: AssignmentStatus | None = None
    cap_state: CapState | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


async def list_assignments(session: AsyncSession, wanted: AssignmentFilter, page: PageRequest) -> Sequence[Assignment]:
    """Newest first, one more than the page holds."""
    query = select(Assignment)
    for column, value in (
        (Assignment.installer_id, wanted.installer_id),
        (Assignment.lead_id, wanted.lead_id),
        (Assignment.status, wanted.status),
        (Assignment.cap_state, wanted.cap_state),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.created_from is not None:
        query = query.where(Assignment.created_at >= wanted.created_from)
    if wanted.created_before is not None:
        query = query.where(Assignment.created_at < wanted.created_before)
    return (await session.scalars(page.apply(query, Assignment.created_at, Assignment.id))).all()


async def get(session: AsyncSession, assignment_id: UUID) -> Assignment:
    return NoSuchAssignment.unless(
        await session.get(Assignment, assignment_id), "no such assignment", assignment_id=assignment_id
    )


def place_of(assignment: Assignment) -> tuple[datetime, UUID]:
    return assignment.created_at, assignment.id
