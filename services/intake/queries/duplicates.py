"""Leads that may be one: who is near whom, what was found, and what the thresholds make of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    DateTime,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.intake.domain import LeadStatus, email_match
from services.intake.domain.duplicates import (
    FARTHEST_DAYS,
    KEPT_FROM,
    NEWEST_OF_A_KEY,
    MatchKind,
    PairReason,
    PairState,
    Thresholds,
)
from services.intake.models import DuplicateSettings, Lead, LeadPair, LeadStatusChange, Merge
from services.intake.queries.merges import words_before_merges

SAME_PERSON = 20
"""Leads of one person that the others are told of."""


async def duplicate_settings(session: AsyncSession, *, for_update: bool = False) -> DuplicateSettings:
    return await session.get_one(DuplicateSettings, 1, with_for_update=for_update or None)


async def thresholds(session: AsyncSession) -> Thresholds:
    columns = [getattr(DuplicateSettings, name) for name in Thresholds.__slots__]
    return Thresholds(*(await session.execute(select(*columns))).one())


@dataclass(frozen=True, slots=True)
class Keyed:
    """A lead and the keys by which others are near it."""

    lead_id: UUID
    received_at: datetime
    keys: Mapping[MatchKind, bytes]


@dataclass(frozen=True, slots=True)
class Near:
    """A lead that shares a key with one that is looked at, as it is compared.

    `has_taken`: others were merged into it, and it may say what one of them said.
    """

    lead_id: UUID
    id: UUID
    service: str
    name: str
    email_match: str
    phone: str
    street: str
    postcode: str
    received_at: datetime
    has_taken: bool


# An id tells when its lead came: the newest of a key are the last of its index. Of leads that are looked at together
# each is near those before it alone, so that of two copies one goes on. What was merged into another is there by its
# own words, as it always was: the one that goes on may say none of them. All are found before anything is joined: a
# planner that believes the leads to be few, as they were when it last looked, would find them anew for each lead.
_NEAR = text(
    f"""
    WITH found AS MATERIALIZED (
        SELECT mine.lead_id, beside.lead_id AS near_id
          FROM unnest(:kinds, :values, :lead_ids, :received_at) AS mine (kind, value, lead_id, received_at)
         CROSS JOIN LATERAL (
            SELECT near.lead_id
              FROM lead_match near
             WHERE near.kind = mine.kind AND near.value = mine.value AND near.lead_id <> mine.lead_id
               AND (near.lead_id < mine.lead_id OR near.lead_id <> ALL (:together))
               AND near.received_at > mine.received_at - interval '{FARTHEST_DAYS} days'
             ORDER BY near.lead_id DESC
             LIMIT {NEWEST_OF_A_KEY}
          ) AS beside
    )
    SELECT DISTINCT found.lead_id, theirs.id, theirs.service, theirs.name, theirs.email_match, theirs.phone,
           theirs.street, theirs.postcode, theirs.received_at,
           EXISTS (SELECT FROM merges m WHERE m.survivor_id = theirs.id AND m.unmerged_at IS NULL) AS has_taken
      FROM found
      JOIN leads theirs ON theirs.id = found.near_id
     WHERE theirs.status <> 'rejected'
     ORDER BY found.lead_id, theirs.id DESC
    """  # noqa: S608  # no value but constants
).bindparams(
    bindparam("kinds", type_=ARRAY(SmallInteger)),
    bindparam("values", type_=ARRAY(LargeBinary)),
    bindparam("lead_ids", type_=ARRAY(Uuid)),
    bindparam("received_at", type_=ARRAY(DateTime(timezone=True))),
    bindparam("together", type_=ARRAY(Uuid)),
)


def arrays_of(keyed: Sequence[Keyed]) -> dict[str, list[object]]:
    """A row for each key, in the order in which the index has them."""
    rows = sorted(
        (kind.number, value, each.lead_id, each.received_at) for each in keyed for kind, value in each.keys.items()
    )
    return {name: [row[place] for row in rows] for place, name in enumerate(_ARRAYS)}


_ARRAYS = ("kinds", "values", "lead_ids", "received_at")


async def near(session: AsyncSession, keyed: Sequence[Keyed]) -> Sequence[Near]:
    """Of each the leads that share a key with it, the newest first; each as often as it says two things."""
    arrays = arrays_of(keyed) | {"together": [each.lead_id for each in keyed]}
    return await _all_words(session, [Near(*row) for row in await session.execute(_NEAR, arrays)])


async def _all_words(session: AsyncSession, found: Sequence[Near]) -> Sequence[Near]:
    """With what those of them said before they took something of another, for as long as that merge stands."""
    took = {each.id for each in found if each.has_taken}
    before = await words_before_merges(session, took) if took else {}
    return [*found, *(replace(each, **_compared(before[each.id])) for each in found if each.id in before)]


def _compared(said: Mapping[str, str]) -> dict[str, Any]:
    matched = {"email_match": email_match(said["email"])} if "email" in said else {}
    return {**{name: said[name] for name in ("name", "phone", "street", "postcode") if name in said}, **matched}


_SAID = (
    Lead.id,
    Lead.service,
    Lead.name,
    Lead.email_match,
    Lead.phone,
    Lead.street,
    Lead.postcode,
    Lead.received_at,
    select(Merge.id).where(Merge.survivor_id == Lead.id, Merge.unmerged_at.is_(None)).exists(),
)


async def words_of(session: AsyncSession, lead_ids: Sequence[UUID]) -> Sequence[Near]:
    """These leads as they are compared: each as often as it says two things, with what it says now first."""
    found = await session.execute(select(*_SAID).where(Lead.id.in_(lead_ids)).order_by(Lead.id))
    return await _all_words(session, [Near(row.id, *row) for row in found])


async def beside(session: AsyncSession, lead_id: UUID, other_ids: Sequence[UUID]) -> Sequence[Near]:
    """These leads as they are compared with that one, whether they share a key with it or not."""
    return [replace(each, lead_id=lead_id) for each in await words_of(session, other_ids)]


@dataclass(frozen=True, slots=True)
class OpenPair:
    """Of a lead; `beside` is the other one, whichever came first. `was_screened`: it was found as they came in."""

    lead_id: UUID
    other_id: UUID
    beside: UUID
    was_screened: bool
    holds: bool


SCREENED_SCORE = func.coalesce(LeadPair.screened_score, LeadPair.score)


async def open_pairs_for_update(session: AsyncSession, lead_id: UUID) -> Sequence[OpenPair]:
    """Locked in the order of their ids."""
    other = case((LeadPair.lead_id == lead_id, LeadPair.other_id), else_=LeadPair.lead_id)
    query = select(LeadPair.lead_id, LeadPair.other_id, other, SCREENED_SCORE > 0, LeadPair.holds)
    of_it = (LeadPair.lead_id == lead_id) | (LeadPair.other_id == lead_id)
    found = query.where(of_it, LeadPair.state == PairState.OPEN).order_by(LeadPair.id).with_for_update()
    return [OpenPair(*row) for row in await session.execute(found)]


async def same_person(session: AsyncSession, lead_id: UUID) -> Sequence[UUID]:
    """The newest leads with its own phone or e-mail, as its pairs tell: a correction may have made a later one like it.

    Of what these are one with, whoever is told of merges knows.
    """
    told = (PairReason.SAME_PHONE.value, PairReason.SAME_EMAIL.value)
    other = case((LeadPair.lead_id == lead_id, LeadPair.other_id), else_=LeadPair.lead_id)
    of_it = (LeadPair.lead_id == lead_id) | (LeadPair.other_id == lead_id)
    query = select(other).where(of_it, LeadPair.reasons.overlap(told)).order_by(other.desc()).limit(SAME_PERSON)
    return (await session.scalars(query)).all()


async def holding_pairs(session: AsyncSession, lead_ids: Iterable[UUID]) -> Sequence[LeadPair]:
    """What holds these leads."""
    held = LeadPair.lead_id.in_(list(lead_ids))
    query = select(LeadPair).where(held, LeadPair.holds, LeadPair.state == PairState.OPEN)
    return (await session.scalars(query.order_by(LeadPair.lead_id, LeadPair.other_id))).all()


async def was_held(session: AsyncSession, lead_id: UUID) -> bool:
    held = LeadStatusChange.to_status == LeadStatus.DUPLICATE_REVIEW
    query = select(LeadStatusChange.id).where(LeadStatusChange.lead_id == lead_id, held)
    return await session.scalar(query.limit(1)) is not None


@dataclass(frozen=True, slots=True)
class PairFilters:
    """None is no filter. `is_held`: the pair holds its lead now."""

    state: PairState | None = None
    is_held: bool | None = None
    lead_id: UUID | None = None
    score_from: int | None = None


_IS_TOLD = or_(LeadPair.score >= KEPT_FROM, LeadPair.holds, LeadPair.state != PairState.OPEN)


async def list_pairs(session: AsyncSession, page: PageRequest, filters: PairFilters) -> Sequence[LeadPair]:
    """The newest first; without what is alike no more, and neither holds a lead nor was decided."""
    query = select(LeadPair).where(_IS_TOLD)
    if filters.state is not None:
        query = query.where(LeadPair.state == filters.state)
    if filters.is_held is not None:
        query = query.where(HOLDS_NOW if filters.is_held else ~HOLDS_NOW)
    if filters.lead_id is not None:
        query = query.where((LeadPair.lead_id == filters.lead_id) | (LeadPair.other_id == filters.lead_id))
    if filters.score_from is not None:
        query = query.where(LeadPair.score >= filters.score_from)
    return (await session.scalars(page.apply(query, LeadPair.found_at, LeadPair.id))).all()


HOLDS_NOW = and_(
    LeadPair.holds,
    LeadPair.state == PairState.OPEN,
    select(Lead.id).where(Lead.id == LeadPair.lead_id, Lead.status == LeadStatus.DUPLICATE_REVIEW).exists(),
)
"""Of a pair: its lead is held, and this is why."""


async def held_pairs(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many hold a lead now, and since when the first does."""
    row = (await session.execute(select(func.count(), func.min(LeadPair.found_at)).where(HOLDS_NOW))).one()
    return row[0], row[1]


async def pairs_of(session: AsyncSession, lead_ids: Sequence[UUID]) -> Sequence[LeadPair]:
    """The most alike first; without what is alike no more, and neither holds a lead nor was decided."""
    query = select(LeadPair).where(LeadPair.lead_id.in_(lead_ids) | LeadPair.other_id.in_(lead_ids))
    query = query.where(_IS_TOLD)
    return (await session.scalars(query.order_by(LeadPair.score.desc(), LeadPair.found_at, LeadPair.lead_id))).all()


# --- what the thresholds make of it ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Effect:
    """Leads received in a time, by what the thresholds make of them; of those that are held what became of them."""

    held: int
    reviewed: int
    rejected: int
    held_and_merged: int
    held_and_dismissed: int
    merged_unseen: int
    """Merged by hand since, though the thresholds neither hold them nor show them."""


# The same as domain/duplicates.py says of one lead, over the scores that are kept of all: as they were when it was
# screened, so that no correction since makes the thresholds hold what they did not, or the other way round.
_EFFECT = text(
    """
    WITH judged AS (
        SELECT p.lead_id,
               coalesce(max(coalesce(p.screened_score, p.score)) FILTER (
                   WHERE :is_on AND p.days_apart < :look_back_days AND (:scope = 'any' OR p.is_same_service)
               ), 0) AS highest,
               bool_or(p.state = 'merged') AS is_merged,
               bool_and(p.state = 'dismissed' OR p.screened_score IS NOT DISTINCT FROM 0) AS is_dismissed
          FROM lead_pairs p
          JOIN leads l ON l.id = p.lead_id
         WHERE l.received_at >= :first AND l.received_at < :end
         GROUP BY p.lead_id
    ), told AS (
        SELECT *, highest >= coalesce(:reject_from, 101) AS rejects,
               highest >= :hold_from AND highest < coalesce(:reject_from, 101) AS holds
          FROM judged
    )
    SELECT count(*) FILTER (WHERE holds) AS held,
           count(*) FILTER (WHERE highest >= :review_from AND highest < :hold_from) AS reviewed,
           count(*) FILTER (WHERE rejects) AS rejected,
           count(*) FILTER (WHERE holds AND is_merged) AS held_and_merged,
           count(*) FILTER (WHERE holds AND is_dismissed) AS held_and_dismissed,
           count(*) FILTER (WHERE is_merged AND highest < :review_from) AS merged_unseen
      FROM told
    """
).bindparams(
    bindparam("is_on", type_=Boolean),
    bindparam("scope", type_=Text),
    bindparam("reject_from", type_=Integer),
    bindparam("first", type_=DateTime(timezone=True)),
    bindparam("end", type_=DateTime(timezone=True)),
)


async def effect_of(session: AsyncSession, given: Thresholds, first: datetime, end: datetime) -> Effect:
    """On the leads received in the half-open time."""
    parameters: dict[str, Any] = {name: getattr(given, name) for name in Thresholds.__slots__}
    found = await session.execute(_EFFECT, parameters | {"scope": given.scope.value, "first": first, "end": end})
    return Effect(**found.mappings().one())
