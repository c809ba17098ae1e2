"""Past decisions made again from what was kept: the texts as they were written, and the installers as they were."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Integer, Text, Uuid, bindparam, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.ext.asyncio import AsyncSession

from services.routing.domain.candidate import Candidate
from services.routing.domain.inputs import Profiles, versions_in
from services.routing.domain.replaying import Replay, proved
from services.routing.errors import InputsNotKept, NoSuchDecision
from services.routing.models import Decision


class Kept(NamedTuple):
    """A decision's texts, to the last sign."""

    decision_id: UUID
    inputs: str
    record: str


class Proof(NamedTuple):
    decision_id: UUID
    replay: Replay


# The columns are of type json, which keeps a text as it was written.
_KEPT = select(
    Decision.id, cast(Decision.inputs, Text).label("inputs"), cast(Decision.candidates, Text).label("record")
)


async def replay_of(session: AsyncSession, lead_id: UUID, attempt_no: int) -> Replay:
    """Raises NoSuchDecision, InputsNotKept."""
    wanted = _KEPT.where(Decision.lead_id == lead_id, Decision.attempt_no == attempt_no)
    row = NoSuchDecision.unless(
        (await session.execute(wanted)).one_or_none(), "the lead had no such attempt", lead_id=lead_id
    )
    if row.inputs is None:
        raise InputsNotKept("it was made before its inputs were kept", decision_id=row.id)
    [proof] = await prove(session, [Kept(row.id, row.inputs, row.record)])
    return proof.replay


async def drawn(session: AsyncSession, since: datetime, before: datetime, number: int) -> Sequence[UUID]:
    """Decisions of that time whose inputs were kept, by lot where there are more."""
    query = select(Decision.id).where(
        Decision.decided_at >= since, Decision.decided_at < before, Decision.candidate_ids.is_not(None)
    )
    return (await session.scalars(query.order_by(func.random()).limit(number))).all()


async def kept(session: AsyncSession, decision_ids: Sequence[UUID]) -> list[Kept]:
    rows = await session.execute(_KEPT.where(Decision.id.in_(decision_ids)))
    return [Kept(row.id, row.inputs, row.record) for row in rows]


async def prove(session: AsyncSession, decisions: Sequence[Kept]) -> list[Proof]:
    """Beside the loop: some thousand verdicts are judged anew for each."""
    profiles = await _profiles(session, {version for each in decisions for version in versions_in(each.inputs)})
    return await asyncio.to_thread(
        lambda: [Proof(each.decision_id, proved(each.inputs, profiles, each.record)) for each in decisions]
    )


_PROFILES = (
    text(
        """
        SELECT installer_id, version, profile FROM installer_versions
        JOIN unnest(:installer_ids, :versions) AS wanted (installer_id, version) USING (installer_id, version)
        """
    )
    .bindparams(bindparam("installer_ids", type_=ARRAY(Uuid)), bindparam("versions", type_=ARRAY(Integer)))
    .columns(profile=JSON)
)


async def _profiles(session: AsyncSession, versions: Iterable[tuple[UUID, int]]) -> Profiles:
    wanted = sorted(versions)
    arrays = {"installer_ids": [id_ for id_, _ in wanted], "versions": [version for _, version in wanted]}
    return {
        (row.installer_id, row.version): Candidate.of_profile(row.installer_id, row.version, row.profile)
        for row in await session.execute(_PROFILES, arrays)
    }
