"""Which rows a bulk action is for: those named, all that match a view of the list, or what another one left undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.bulk import jobs
from chassis.console.bulk.declaration import BulkAction
from chassis.console.lists.asking import Asked, read_query
from chassis.console.lists.declaration import Listing
from chassis.console.lists.reading import given, ids_that_match, read_totals
from chassis.errors import Invalid, NotFound
from chassis.http.auth import CapabilityMissing, Operator


@dataclass(frozen=True, slots=True)
class Selection:
    """`query` is a view of the list as its address has it; `again_of` a job of the same action."""

    ids: Sequence[UUID] = ()
    query: str | None = None
    again_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """Who selects, when, and by which clocks they write days."""

    operator: Operator
    now: datetime
    zone: ZoneInfo


class NotTwoSelected(Invalid):
    code = "not_two_selected"
    title = "Not two selected"


def two_of(selection: Selection) -> tuple[UUID, UUID]:
    """All that match are never meant as two, however many match by now."""
    ids = list(dict.fromkeys(selection.ids))
    if selection.query is not None or len(ids) != 2:
        raise NotTwoSelected("select exactly two rows to see them side by side")
    return ids[0], ids[1]


async def propose_selected(
    session: AsyncSession, listing: Listing, action_name: str, selection: Selection, asking: Asking
) -> UUID:
    action = allowed(listing, action_name, asking.operator)
    ids = await _selected(session, listing, action, selection, asking)
    return await jobs.propose(session, jobs.Propose(listing.name, action, ids, asking.operator), asking.now)


def allowed(listing: Listing, action_name: str, operator: Operator) -> BulkAction:
    action = NotFound.unless(listing.action(action_name), "there is no such bulk action")
    refuse_without(operator, listing.capability)
    refuse_without(operator, action.capability)
    return action


def refuse_without(operator: Operator, capability: str | None) -> None:
    if capability is not None and not operator.can(capability):
        raise CapabilityMissing(f"this needs the capability {capability}", capability=capability)


async def _selected(
    session: AsyncSession, listing: Listing, action: BulkAction, selection: Selection, asking: Asking
) -> Sequence[UUID]:
    if selection.again_of is not None:
        return await _undone(session, listing, action, selection.again_of)
    if selection.query is None:
        return selection.ids
    asked = read_query(listing, selection.query, asking.zone)
    values = given(asked.zone, asking.now, asking.operator.id)
    # One more than may be: what is cut off is refused, and never left out in silence.
    ids = (await session.scalars(ids_that_match(asked, jobs.MOST_ROWS + 1), values)).all()
    if len(ids) > jobs.MOST_ROWS:
        raise await _too_many(session, asked, asking)
    return ids


async def _undone(session: AsyncSession, listing: Listing, action: BulkAction, job_id: UUID) -> Sequence[UUID]:
    job = await jobs.find(session, job_id)
    if (job.list, job.action) != (listing.name, action.name):
        raise NotFound("that bulk action did something else", job_id=job_id)
    return await jobs.undone_of(session, job_id)


async def _too_many(session: AsyncSession, asked: Asked, asking: Asking) -> jobs.TooManySelected:
    totals = await read_totals(session, asked, asking.now, asking.operator.id)
    return jobs.TooManySelected(
        f"{totals.count:,} {asked.listing.noun[1]} match, and one bulk action takes {jobs.MOST_ROWS:,} at the most: "
        "narrow the list down, and do them in parts"
    )
