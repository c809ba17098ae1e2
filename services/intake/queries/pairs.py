"""One pair, and all pairs between two leads and what was merged into them: what is said of two is said of all those."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.domain.duplicates import PairState
from services.intake.errors import PairNotFound
from services.intake.models import Lead, LeadPair
from services.intake.queries.families import families_by, survivors_of
from services.intake.queries.merges import locked_leads


async def pair(session: AsyncSession, lead_id: UUID, other_id: UUID) -> LeadPair:
    """Whichever of them is named first."""
    return PairNotFound.unless(
        await pair_of(session, lead_id, other_id), "no such pair", lead_id=lead_id, other_id=other_id
    )


async def pair_of(session: AsyncSession, lead_id: UUID, other_id: UUID) -> LeadPair | None:
    return (await session.scalars(select(LeadPair).where(_are(lead_id, other_id)))).one_or_none()


def _are(lead_id: UUID, other_id: UUID) -> ColumnElement[bool]:
    return or_(
        and_(LeadPair.lead_id == lead_id, LeadPair.other_id == other_id),
        and_(LeadPair.lead_id == other_id, LeadPair.other_id == lead_id),
    )


async def pairs_between(
    session: AsyncSession, lead_id: UUID, other_id: UUID, *, for_update: bool = False
) -> Sequence[LeadPair]:
    """Of the two, then of all that is one with either: what is open first, the most alike before the others.

    Of two that are one already their own pair alone.
    """
    families = await families_by(session, {lead_id, other_id})
    ones, others = families.get(lead_id, ()), families.get(other_id, ())
    these = _are(lead_id, other_id) if other_id in ones else _are_of(ones, others)
    query = select(LeadPair).where(these).order_by(LeadPair.id)
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    named = {lead_id, other_id}
    return sorted(await session.scalars(query), key=lambda each: _rank(each, named))


def _are_of(ones: Sequence[UUID], others: Sequence[UUID]) -> ColumnElement[bool]:
    return or_(
        and_(LeadPair.lead_id.in_(ones), LeadPair.other_id.in_(others)),
        and_(LeadPair.lead_id.in_(others), LeadPair.other_id.in_(ones)),
    )


def _rank(each: LeadPair, named: set[UUID]) -> tuple[bool, bool, int]:
    return (each.state is not PairState.OPEN, {each.lead_id, each.other_id} != named, -each.score)


async def who_go_on(session: AsyncSession, *lead_ids: UUID) -> dict[UUID, UUID]:
    """For each the lead that goes on: itself, where it was not merged."""
    told = await survivors_of(session, lead_ids)
    return {lead_id: told.get(lead_id, lead_id) for lead_id in lead_ids}


async def lock_who_go_on(session: AsyncSession, *lead_ids: UUID) -> dict[UUID, Lead]:
    """For each the lead that goes on. Until they are locked, somebody may merge one of them into another."""
    goes_on = await who_go_on(session, *lead_ids)
    leads = await locked_leads(session, *set(goes_on.values()))
    while (told := await who_go_on(session, *lead_ids)) != goes_on:
        goes_on = told
        leads = await locked_leads(session, *set(goes_on.values()))
    return {lead_id: leads[goes_on[lead_id]] for lead_id in lead_ids}
