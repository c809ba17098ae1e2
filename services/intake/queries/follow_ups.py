"""Follow-ups: one, those of a lead, and how they stand."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.intake.domain import Channel, FollowUpOutcome, FollowUpState, part_of_phone
from services.intake.errors import FollowUpNotFound
from services.intake.models import FollowUp, Lead
from services.intake.queries.families import members_of, survivors_of, who_goes_on
from services.intake.queries.leads import ANY_LEAD, LeadFilters
from services.intake.queries.leads import lead as lead_of
from services.intake.queries.merges import locked_leads
from services.intake.queries.operators import ANYBODYS, Owned
from services.intake.queries.search import families_that_say


async def follow_up(session: AsyncSession, follow_up_id: UUID) -> FollowUp:
    return FollowUpNotFound.unless(
        await session.get(FollowUp, follow_up_id), "no such follow-up", follow_up_id=follow_up_id
    )


async def follow_up_for_update(session: AsyncSession, follow_up_id: UUID) -> tuple[Lead, FollowUp]:
    """Its lead's lock is the lock of both."""
    lead_id = (await follow_up(session, follow_up_id)).lead_id
    lead = await lead_of(session, lead_id, for_update=True)
    return lead, await session.get_one(FollowUp, follow_up_id, populate_existing=True)


async def follow_up_and_survivor_for_update(session: AsyncSession, follow_up_id: UUID) -> tuple[Lead, FollowUp, Lead]:
    """With the lead that goes on for its lead: that itself, where it was not merged. Somebody may merge meanwhile."""
    lead_id = (await follow_up(session, follow_up_id)).lead_id
    survivor_id = await _who_goes_on(session, lead_id)
    leads = await locked_leads(session, lead_id, survivor_id)
    while (told := await _who_goes_on(session, lead_id)) != survivor_id:
        survivor_id = told
        leads = await locked_leads(session, lead_id, survivor_id)
    found = await session.get_one(FollowUp, follow_up_id, populate_existing=True)
    return leads[lead_id], found, leads[survivor_id]


async def _who_goes_on(session: AsyncSession, lead_id: UUID) -> UUID:
    return (await survivors_of(session, [lead_id])).get(lead_id, lead_id)


async def follow_ups_of(session: AsyncSession, lead_ids: Sequence[UUID]) -> Sequence[FollowUp]:
    """Of a lead, or of a lead and those that were merged into it: the open ones first, by when they are due."""
    is_over = FollowUp.state != FollowUpState.OPEN
    query = select(FollowUp).where(FollowUp.lead_id.in_(lead_ids)).order_by(is_over, FollowUp.due_at, FollowUp.id)
    return (await session.scalars(query)).all()


async def open_follow_ups(session: AsyncSession, lead_ids: Collection[UUID]) -> Sequence[FollowUp]:
    """They change under the locks of their leads."""
    query = select(FollowUp).where(FollowUp.lead_id.in_(lead_ids), FollowUp.state == FollowUpState.OPEN)
    found = await session.scalars(query.order_by(FollowUp.id).execution_options(populate_existing=True))
    return found.all()


def follow_up_says(word: str) -> ColumnElement[bool]:
    """Of a select of follow-ups and their leads: whether the word stands in what is to be done, or in the lead.

    Who it is, where, how they are reached; and so of all that were made one with the lead.
    """
    texts = (Lead.name, Lead.email, Lead.phone, Lead.street, Lead.suburb, Lead.postcode, FollowUp.note)
    forms = {word, part_of_phone(word)} - {""}
    families = families_that_say(word)
    return or_(
        *(text.icontains(form, autoescape=True) for text in texts for form in forms),
        Lead.id.in_(families),
        and_(Lead.merged_into.is_not(None), who_goes_on(Lead.id).in_(families)),
    )


@dataclass(frozen=True, slots=True)
class FollowUpFilters:
    """None is no filter; the window of due times is half-open. A lead's are those of what was merged into it too.

    `overdue_at` is the instant at which one is overdue. Every word of `typed` must stand somewhere. `of` is its lead's.
    """

    lead_id: UUID | None = None
    state: FollowUpState | None = None
    channel: Channel | None = None
    due_from: datetime | None = None
    due_to: datetime | None = None
    outcome: FollowUpOutcome | None = None
    owned: Owned = ANYBODYS
    overdue_at: datetime | None = None
    typed: str | None = None
    of: LeadFilters = ANY_LEAD

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        for column, wanted in (
            (FollowUp.state, self.state),
            (FollowUp.channel, self.channel),
            (FollowUp.outcome, self.outcome),
        ):
            if wanted is not None:
                yield column == wanted
        if self.lead_id is not None:
            yield FollowUp.lead_id.in_(members_of(self.lead_id))
        if self.due_from is not None:
            yield FollowUp.due_at >= self.due_from
        if self.due_to is not None:
            yield FollowUp.due_at < self.due_to
        is_open = FollowUp.state == FollowUpState.OPEN
        yield from self.owned.conditions(FollowUp.owner_id, is_open)
        if self.overdue_at is not None:
            yield and_(is_open, FollowUp.due_at < self.overdue_at)
        yield from map(follow_up_says, dict.fromkeys((self.typed or "").split()))
        yield from self.of.conditions()


async def list_follow_ups(session: AsyncSession, page: PageRequest, filters: FollowUpFilters) -> Sequence[FollowUp]:
    """By when they are due, the earliest first."""
    query = select(FollowUp).join(Lead, Lead.id == FollowUp.lead_id).where(*filters.conditions())
    return (await session.scalars(page.apply(query, FollowUp.due_at, FollowUp.id, newest_first=False))).all()


async def overdue_follow_ups(
    session: AsyncSession, now: datetime, *, is_unowned: bool = False
) -> tuple[int, datetime | None]:
    """How many are overdue, of those that nobody has where asked for, and since when the first is."""
    query = select(func.count(), func.min(FollowUp.due_at)).where(
        FollowUp.state == FollowUpState.OPEN, FollowUp.due_at < now
    )
    row = (await session.execute(query.where(FollowUp.owner_id.is_(None)) if is_unowned else query)).one()
    return row[0], row[1]


async def median_first_contact(
    session: AsyncSession, first: datetime, end: datetime
) -> tuple[timedelta | None, int, int]:
    """Of the leads received in a time: the median until the first contact was attempted, of how many, of how many."""
    took = Lead.first_contact_at - Lead.received_at
    query = select(func.percentile_cont(0.5).within_group(took), func.count(Lead.first_contact_at), func.count()).where(
        Lead.received_at >= first, Lead.received_at < end
    )
    row = (await session.execute(query)).one()
    return row[0], row[1], row[2]
