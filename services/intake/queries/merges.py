"""Leads that were made one: which stand, what they took, and the credits that were asked for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import CreditReason
from services.intake.domain.corrections import Correctable, credited_for
from services.intake.domain.merging import ASKED_AGAIN, CreditObstacle, UnmergeObstacle, obstacle_to_credit
from services.intake.errors import LeadNotFound
from services.intake.models import CreditAsked, Lead, LeadCorrection, Merge, MergeField
from services.intake.queries.families import family_of
from services.intake.queries.known import KnownAssignment, known_of


async def locked_leads(session: AsyncSession, *lead_ids: UUID) -> dict[UUID, Lead]:
    """In the order of their ids, so that two deeds that share leads cannot wait for each other."""
    query = select(Lead).where(Lead.id.in_(lead_ids)).order_by(Lead.id).with_for_update()
    found = {lead.id: lead for lead in await session.scalars(query.execution_options(populate_existing=True))}
    for lead_id in lead_ids:
        LeadNotFound.unless(found.get(lead_id), "no such lead", lead_id=lead_id)
    return found


async def standing_merge(session: AsyncSession, loser_id: UUID) -> Merge | None:
    query = select(Merge).where(Merge.loser_id == loser_id, Merge.unmerged_at.is_(None))
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def last_merge(session: AsyncSession, loser_id: UUID) -> Merge | None:
    """The last one, whether it stands or was taken apart."""
    query = select(Merge).where(Merge.loser_id == loser_id).order_by(Merge.id.desc()).limit(1)
    return (await session.scalars(query)).one_or_none()


async def later_merge(session: AsyncSession, merge: Merge) -> Merge | None:
    """Another that stands, and went into the same lead after it."""
    query = select(Merge).where(Merge.survivor_id == merge.survivor_id, Merge.id > merge.id)
    return (await session.scalars(query.where(Merge.unmerged_at.is_(None)).order_by(Merge.id).limit(1))).one_or_none()


async def obstacle_to_unmerge(session: AsyncSession, merge: Merge, survivor: Lead) -> UnmergeObstacle | None:
    """The last in is the first out. Who is erased is so with all that was made one with them."""
    if survivor.erased_at is not None:
        return UnmergeObstacle.ERASED
    if survivor.is_merged:
        return UnmergeObstacle.SURVIVOR_MERGED
    return UnmergeObstacle.LATER_MERGE if await later_merge(session, merge) else None


async def merges_of(session: AsyncSession, lead_ids: Sequence[UUID]) -> Sequence[Merge]:
    """Into any of them, or of any of them; in the order in which they were done."""
    ours = or_(Merge.survivor_id.in_(lead_ids), Merge.loser_id.in_(lead_ids))
    return (await session.scalars(select(Merge).where(ours).order_by(Merge.id))).all()


async def merge_fields(session: AsyncSession, merge_id: UUID) -> dict[str, tuple[str, str]]:
    """What each was before, and became."""
    found = await session.scalars(select(MergeField).where(MergeField.merge_id == merge_id))
    return {each.field: (each.before, each.after) for each in found}


async def corrected_since(session: AsyncSession, merge: Merge) -> set[str]:
    """The survivor's fields that were corrected by hand since. An id tells when it was made."""
    query = select(LeadCorrection.fields).where(
        LeadCorrection.lead_id == merge.survivor_id, LeadCorrection.origin == "correction", LeadCorrection.id > merge.id
    )
    return {field for fields in await session.scalars(query) for field in fields}


# Of what was taken more than once that counts which it was before the first time. Where what was taken is corrected
# since, nobody said that it was wrong before. An id tells when it was made.
_OWN_WORDS = text(
    """
    SELECT DISTINCT ON (m.survivor_id, f.field) m.survivor_id, f.field, f.before
      FROM merges m
      JOIN merge_fields f ON f.merge_id = m.id
     WHERE m.survivor_id = ANY (:ids) AND m.unmerged_at IS NULL AND f.field = ANY (:parts)
     ORDER BY m.survivor_id, f.field, m.id
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("parts", type_=ARRAY(Text)),
)
_PARTS = [part for field in Correctable for part in field.parts]


async def words_before_merges(session: AsyncSession, lead_ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, str]]:
    """Of leads that took something of others, by field: what they said before."""
    arrays = {"ids": list(lead_ids), "parts": _PARTS}
    words: dict[UUID, dict[str, str]] = {}
    for survivor_id, field, before in await session.execute(_OWN_WORDS, arrays):
        words.setdefault(survivor_id, {})[field] = before
    return words


# --- credits ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Creditable:
    """An assignment of a lead's family, and why its delivery is not credited now where it is not."""

    known: KnownAssignment
    obstacle: CreditObstacle | None


async def creditable_of(session: AsyncSession, lead_id: UUID) -> Sequence[Creditable]:
    """All that were given of the lead and of what was merged into it, those that nothing was charged for too."""
    known = await known_of(session, await family_of(session, lead_id))
    asked = await asked_for(session, [each.assignment_id for each in known])
    return [Creditable(each, obstacle_to_credit(each.finance, is_asked=each.assignment_id in asked)) for each in known]


_STANDS = or_(CreditAsked.result.is_(None), CreditAsked.result.not_in(sorted(ASKED_AGAIN)))


async def asked_for(session: AsyncSession, assignment_ids: Collection[UUID]) -> set[UUID]:
    """Those of which a credit was asked for, and not refused."""
    query = select(CreditAsked.assignment_id).where(CreditAsked.assignment_id.in_(assignment_ids))
    return set(await session.scalars(query.where(_STANDS)))


@dataclass(frozen=True, slots=True)
class CreditDeed:
    """What was done with a lead, for which its charged deliveries may be credited; `told` goes to billing."""

    deed: str
    deed_id: UUID
    reason: CreditReason
    told: str
    at: datetime

    def concerns(self, known: KnownAssignment) -> bool:
        """What was sold twice was so whenever it was given; what was wrong was so until it was corrected."""
        return self.deed == "merge" or known.created_at is None or known.created_at <= self.at


async def credit_deed(session: AsyncSession, lead: Lead) -> CreditDeed | None:
    """The merge into another that stands; else its last correction of what is credited."""
    if merge := await standing_merge(session, lead.id):
        told = f"merged: {merge.reason_code}"
        return CreditDeed("merge", merge.id, CreditReason.DUPLICATE_DISPATCH, told, merge.merged_at)
    query = select(LeadCorrection).where(LeadCorrection.lead_id == lead.id, LeadCorrection.origin == "correction")
    for each in await session.scalars(query.order_by(LeadCorrection.id.desc())):
        if reason := credited_for([Correctable(field) for field in each.fields]):
            return CreditDeed("correction", each.id, reason, f"corrected: {each.reason_code}", each.made_at)
    return None


async def credits_because_of(session: AsyncSession, deed_id: UUID) -> Sequence[CreditAsked]:
    """Those that stand, in the order in which they were asked for."""
    query = select(CreditAsked).where(CreditAsked.deed_id == deed_id, _STANDS)
    return (await session.scalars(query.order_by(CreditAsked.asked_at, CreditAsked.request_id))).all()


async def credits_of(session: AsyncSession, lead_ids: Sequence[UUID]) -> Sequence[CreditAsked]:
    """In the order in which they were asked for."""
    query = select(CreditAsked).where(CreditAsked.lead_id.in_(lead_ids))
    return (await session.scalars(query.order_by(CreditAsked.asked_at, CreditAsked.request_id))).all()
