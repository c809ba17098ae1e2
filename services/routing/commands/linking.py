"""Which leads belong together, as their intake tells it: those of one person do not all go to one installer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.states import LinkKind
from services.routing.models import LeadLink


@dataclass(frozen=True, slots=True)
class Link:
    """That a lead was merged into another, or is no more; and which others have its own phone or e-mail."""

    lead_id: UUID
    survivor_id: UUID
    is_merged: bool
    at: datetime
    same_person_lead_ids: tuple[UUID, ...] = ()


async def link_merged(session: AsyncSession, links: Sequence[Link]) -> None:
    """Of two leads that are one neither goes to whoever has the other. The last word of each pair stands."""
    last = {(link.lead_id, link.survivor_id): link for link in links}
    ended = [pair for pair, link in last.items() if not link.is_merged]
    if ended:
        pairs = tuple_(LeadLink.lead_id, LeadLink.other_lead_id)
        await session.execute(delete(LeadLink).where(LeadLink.kind == LinkKind.MERGED, pairs.in_(ended)))
    await _link(
        session,
        [
            *(_row(*pair, LinkKind.MERGED, link.at) for pair, link in last.items() if link.is_merged),
            *(row for link in last.values() for row in _alike(link.lead_id, link.same_person_lead_ids, link.at)),
        ],
    )


async def link_persons(session: AsyncSession, persons: Mapping[UUID, Collection[UUID]], now: datetime) -> None:
    """Of each lead the others that are the same person's, as far as they are told."""
    await _link(session, [row for lead_id, others in persons.items() for row in _alike(lead_id, others, now)])


async def link_persons_anew(session: AsyncSession, persons: Mapping[UUID, Collection[UUID]], now: datetime) -> None:
    """In place of all that each was like before, whichever of the two told it: what was wrong is nobody's."""
    of_them = or_(LeadLink.lead_id.in_(persons), LeadLink.other_lead_id.in_(persons))
    await session.execute(delete(LeadLink).where(LeadLink.kind == LinkKind.SAME_PERSON, of_them))
    await link_persons(session, persons, now)


def _alike(lead_id: UUID, others: Iterable[UUID], at: datetime) -> list[dict[str, object]]:
    return [_row(lead_id, other, LinkKind.SAME_PERSON, at) for other in set(others) - {lead_id}]


def _row(lead_id: UUID, other: UUID, kind: LinkKind, at: datetime) -> dict[str, object]:
    return {"lead_id": lead_id, "other_lead_id": other, "kind": kind, "linked_at": at}


async def _link(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    if rows:
        await session.execute(insert(LeadLink).on_conflict_do_nothing(), rows)
