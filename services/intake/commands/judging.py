"""Looking for leads that may be one, as they come in."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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
    bindparam,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from services.intake import queries
from services.intake.commands.batch import Batch
from services.intake.domain.duplicates import (
    KEPT_FROM,
    Compared,
    Evidence,
    PairReason,
    PairState,
    RejectReason,
    Score,
    Verdict,
    all_told,
    match_keys,
    score,
    verdict,
)
from services.intake.likeness import names_alike, plain_name, plain_street, streets_alike
from services.intake.models import Lead, LeadPair, Merge
from services.intake.queries import Arrival, Keyed, Near
from services.intake.queries.duplicates import SAME_PERSON, arrays_of, words_of

IS_PERSON = frozenset({PairReason.SAME_PHONE, PairReason.SAME_EMAIL})


@dataclass(frozen=True, slots=True)
class Found:
    """A lead that was looked at, and one that was there before it."""

    lead: Arrival | Near
    other: Near
    evidence: Evidence
    score: Score

    @property
    def is_person(self) -> bool:
        return bool(IS_PERSON & set(self.score.reasons))

    @property
    def compared(self) -> Compared:
        apart = abs(self.lead.received_at - self.other.received_at).days
        return Compared(self.score.number, apart, self.lead.service == self.other.service)


async def judge(session: AsyncSession, batch: Batch) -> None:
    """Holds what the settings hold. What is found is kept whatever they say, so that others can be tried on it."""
    found = await look(session, batch.arrivals)
    settings = await queries.thresholds(session)
    by_lead: dict[UUID, list[Found]] = {}
    for each in found:
        by_lead.setdefault(each.lead.id, []).append(each)
    held: set[UUID] = set()
    for lead_id, pairs in by_lead.items():
        batch.note_same_person(lead_id, _same_person(pairs))
        match verdict((each.compared for each in pairs), settings):
            case Verdict.HOLD:
                batch.hold(lead_id)
                held.add(lead_id)
            case Verdict.REJECT:
                batch.reject(lead_id, RejectReason.DUPLICATE)
    holding = [
        each.lead.id in held and settings.counts(each.compared) and each.score.number >= settings.hold_from
        for each in found
    ]
    await keep(session, found, holding, batch.now)


def _same_person(pairs: Sequence[Found]) -> Sequence[UUID]:
    """The newest of those that are alike themselves; of merges the others are told."""
    return sorted((each.other.id for each in pairs if each.is_person), reverse=True)[:SAME_PERSON]


async def look(
    session: AsyncSession, leads: Sequence[Arrival | Near], family: Collection[UUID] = frozenset()
) -> list[Found]:
    """The newest of each lead's neighbours first. Of leads that are looked at together each sees those before it.

    A lead stands as often as it says two things. Those of its `family` are it already.
    """
    keyed = [Keyed(lead.id, lead.received_at, keys_of(lead)) for lead in leads]
    await session.execute(_KEEP_KEYS, arrays_of(keyed))
    said: dict[UUID, list[Arrival | Near]] = {}
    for lead in leads:
        said.setdefault(lead.id, []).append(lead)
    others: dict[tuple[UUID, UUID], list[Near]] = {}
    for near in await queries.near(session, keyed):
        if near.id not in family:
            others.setdefault((near.lead_id, near.id), []).append(near)
    compared = [compare(said[lead_id], words) for (lead_id, _), words in others.items()]
    return [each for each in compared if each.score.number >= KEPT_FROM]


async def keep_keys(session: AsyncSession, lead_ids: Sequence[UUID]) -> None:
    """By these they are found from now on. What they are like themselves is not looked for, and nothing is held."""
    # Locked: the keys of who is erased meanwhile are not kept from what was read before.
    read = select(Lead.id).where(Lead.id.in_(lead_ids), Lead.erased_at.is_(None)).order_by(Lead.id)
    locked = (await session.scalars(read.with_for_update(read=True))).all()
    keyed = [Keyed(lead.id, lead.received_at, keys_of(lead)) for lead in await words_of(session, locked)]
    await session.execute(_KEEP_KEYS, arrays_of(keyed))


def keys_of(lead: Any) -> Mapping[Any, bytes]:
    """Of whatever has a lead's fields."""
    return match_keys(
        phone=lead.phone,
        email_match=lead.email_match,
        plain_name=plain_name(lead.name),
        plain_street=plain_street(lead.street),
        postcode=lead.postcode,
    )


def compare(lead: Sequence[Arrival | Near], other: Sequence[Near]) -> Found:
    """Of each all that it says."""
    evidence = all_told(evidence_of(one, another) for one in lead for another in other)
    return Found(lead[0], other[0], evidence, score(evidence))


def evidence_of(one: Any, other: Any) -> Evidence:
    """Of whatever has a lead's fields; what is empty is like nothing."""
    is_near = one.postcode == other.postcode != ""
    street = plain_street(one.street)
    return Evidence(
        same_phone=one.phone == other.phone != "",
        same_email=one.email_match == other.email_match != "",
        same_address=is_near and street == plain_street(other.street) != "",
        name=names_alike(one.name, other.name),
        street=streets_alike(one.street, other.street) if is_near else None,
    )


_KEEP_KEYS = text(
    """
    INSERT INTO lead_match (kind, value, lead_id, received_at)
    SELECT * FROM unnest(:kinds, :values, :lead_ids, :received_at)
    ON CONFLICT DO NOTHING
    """
).bindparams(
    bindparam("kinds", type_=ARRAY(SmallInteger)),
    bindparam("values", type_=ARRAY(LargeBinary)),
    bindparam("lead_ids", type_=ARRAY(Uuid)),
    bindparam("received_at", type_=ARRAY(DateTime(timezone=True))),
)

# A pair that was decided stays so, and what holds a lead goes on holding it: that is an operator's to end. What was
# found at screening keeps what it scored then, where it scores otherwise now.
_KEEP = text(
    """
    INSERT INTO lead_pairs (id, lead_id, other_id, score, reasons, similarities, days_apart, is_same_service, holds,
                            state, found_at, screened_score)
    SELECT id, lead_id, other_id, score, reasons::text[], similarities::jsonb, days_apart, is_same_service, holds,
           'open', :now, CASE WHEN :is_later THEN 0 END
      FROM unnest(:ids, :lead_ids, :other_ids, :scores, :reasons, :similarities, :days_apart, :is_same_service, :holds)
        AS found (id, lead_id, other_id, score, reasons, similarities, days_apart, is_same_service, holds)
    ON CONFLICT (least(lead_id, other_id), greatest(lead_id, other_id)) DO UPDATE
       SET score = excluded.score, reasons = excluded.reasons, similarities = excluded.similarities,
           screened_score = nullif(coalesce(lead_pairs.screened_score, lead_pairs.score), excluded.score)
     WHERE lead_pairs.state = 'open'
    """
).bindparams(
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("is_later", type_=Boolean),
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("lead_ids", type_=ARRAY(Uuid)),
    bindparam("other_ids", type_=ARRAY(Uuid)),
    bindparam("scores", type_=ARRAY(SmallInteger)),
    bindparam("reasons", type_=ARRAY(Text)),
    bindparam("similarities", type_=ARRAY(Text)),
    bindparam("days_apart", type_=ARRAY(Integer)),
    bindparam("is_same_service", type_=ARRAY(Boolean)),
    bindparam("holds", type_=ARRAY(Boolean)),
)


async def keep(
    session: AsyncSession, found: Sequence[Found], holding: Sequence[bool], now: datetime, *, is_later: bool = False
) -> None:
    """A pair's own lead is the one that was looked at; after screening it is the newer one, which may be either."""
    if not found:
        return
    compared = [each.compared for each in found]
    pairs = [(each.lead.id, each.other.id) for each in found]
    pairs = [(max(pair), min(pair)) for pair in pairs] if is_later else pairs
    columns = {
        "ids": [new_id() for _ in pairs],
        "lead_ids": [lead_id for lead_id, _ in pairs],
        "other_ids": [other_id for _, other_id in pairs],
        "scores": [each.score.number for each in found],
        "reasons": ["{" + ",".join(each.score.reasons) + "}" for each in found],
        "similarities": [json.dumps(_similarities(each.evidence)) for each in found],
        "days_apart": [each.days_apart for each in compared],
        "is_same_service": [each.is_same_service for each in compared],
        "holds": list(holding),
    }
    await session.execute(_KEEP, columns | {"now": now, "is_later": is_later})


def _similarities(evidence: Evidence) -> dict[str, float]:
    """Numbers alone."""
    parts = (("name", evidence.name), ("street", evidence.street))
    return {name: round(value, 1) for name, value in parts if value is not None}


async def pair_by_hand(
    session: AsyncSession, survivor: Lead, loser: Lead, state: PairState, merge: Merge, *, is_held_again: bool = False
) -> None:
    """What an operator says of two leads, whether they were found or not. Call it while they say what they said.

    `is_held_again`: where the pair held the loser before, it does so again.
    """
    pair = await queries.pair_of(session, survivor.id, loser.id)
    if pair is None:
        pair = _unfound(survivor, loser, merge)
        session.add(pair)
    if is_held_again and pair.holds and pair.lead_id == loser.id:
        pair.state, pair.decided_at, pair.decided_by, pair.reason_code = PairState.OPEN, None, None, None
        return
    is_apart = state is PairState.DISMISSED
    pair.state, pair.decided_at = state, merge.unmerged_at if is_apart else merge.merged_at
    pair.decided_by = merge.unmerged_by if is_apart else merge.merged_by
    pair.reason_code = merge.unmerge_reason if is_apart else merge.reason_code


def _unfound(survivor: Lead, loser: Lead, merge: Merge) -> LeadPair:
    evidence = evidence_of(survivor, loser)
    found = score(evidence)
    return LeadPair(
        id=new_id(),
        lead_id=max(survivor.id, loser.id),
        other_id=min(survivor.id, loser.id),
        score=found.number,
        reasons=list(found.reasons),
        similarities=_similarities(evidence),
        days_apart=abs(survivor.received_at - loser.received_at).days,
        is_same_service=survivor.service == loser.service,
        holds=False,
        found_at=merge.merged_at,
        screened_score=0,
    )
