"""What somebody has who may own nothing any more goes to those who may: leads, and what is planned for them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import SYSTEM
from chassis.database import Database
from services.intake import queries
from services.intake.commands import follow_ups, ownership
from services.intake.domain import OwnerDeed, has_fewest
from services.intake.models import FollowUp, Lead

OWNER_LEFT = "owner_left"
LEADS_AT_ONCE = 200


async def give_on(database: Database, now: datetime) -> int:
    """In portions that each are done wholly or not at all; of how many leads that was. Run again, it finds the rest."""
    number = 0
    while True:
        async with database.transaction() as session:
            done = await give_on_some(session, now, LEADS_AT_ONCE)
        number += done
        if done < LEADS_AT_ONCE:
            return number


async def give_on_some(session: AsyncSession, now: datetime, most: int) -> int:
    """A follow-up goes to who has its lead, where they may have it: one person knows of both."""
    left = await queries.who_left(session)
    leads = await queries.lock_leads_of(session, left, most) if left else []
    if not leads:
        return 0
    takers = _Takers(await queries.numbers_owned(session))
    for lead in leads:
        if lead.owner_id in left and not lead.status.is_final:
            await _give_lead_on(session, lead, takers, now)
    of = {lead.id: lead for lead in leads}
    for follow_up in await queries.open_follow_ups(session, of):
        if follow_up.owner_id in left:
            await _give_follow_up_on(session, of[follow_up.lead_id], follow_up, takers, now)
    return len(leads)


class _Takers:
    """Who may own what, and how much each has; what is given counts as theirs from then on."""

    def __init__(self, numbers: dict[queries.Owner, tuple[int, int]]) -> None:
        self._owners = {owner.id: owner for owner in numbers}
        self._leads = {owner.id: leads for owner, (leads, _) in numbers.items()}
        self._follow_ups = {owner.id: planned for owner, (_, planned) in numbers.items()}

    def of_lead(self) -> queries.Owner | None:
        return self._next(self._leads, self._leads)

    def of_follow_up(self, lead: Lead) -> queries.Owner | None:
        is_theirs = {lead.owner_id} & self._owners.keys() if lead.owner_id else set()
        return self._next(self._follow_ups, is_theirs or self._follow_ups)

    def _next(self, numbers: dict[UUID, int], among: Collection[UUID]) -> queries.Owner | None:
        least = has_fewest({id_: numbers[id_] for id_ in among})
        if least is None:
            return None
        numbers[least] += 1
        return self._owners[least]


async def _give_lead_on(session: AsyncSession, lead: Lead, takers: _Takers, now: datetime) -> None:
    owner = takers.of_lead()
    deed = OwnerDeed.UNASSIGN if owner is None else OwnerDeed.HAND_OVER
    await ownership.change(session, lead, deed, owner, SYSTEM, now, reason=OWNER_LEFT)


async def _give_follow_up_on(
    session: AsyncSession, lead: Lead, follow_up: FollowUp, takers: _Takers, now: datetime
) -> None:
    owner = takers.of_follow_up(lead)
    await follow_ups.give(session, lead, follow_up, owner, SYSTEM, now, reason=OWNER_LEFT)
