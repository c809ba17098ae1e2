"""Looking anew after a lead says something else: what it may double now, and what it doubles no more."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake import queries
from services.intake.commands.judging import Found, compare, keep, look
from services.intake.domain.duplicates import KEPT_FROM, PairState
from services.intake.models import Lead, LeadMatch, LeadPair
from services.intake.queries import Near, OpenPair
from services.intake.queries.duplicates import words_of


async def judge_again(session: AsyncSession, lead: Lead, now: datetime) -> None:
    """What may be one is found anew, and nothing is held for it nor let go. Its row is locked, and written."""
    await session.execute(delete(LeadMatch).where(LeadMatch.lead_id == lead.id))
    said = await words_of(session, [lead.id])
    found = await look(session, said, await queries.family_of(session, lead.id))
    await _rescore(session, said, found, now)


async def _rescore(session: AsyncSession, said: Sequence[Near], found: Sequence[Found], now: datetime) -> None:
    """Its pairs that are open say what it and the others say now."""
    pairs = await queries.open_pairs_for_update(session, said[0].id)
    # Read once the pairs are locked: of two who correct both leads of a pair, the second sees what the first said.
    near: dict[UUID, list[Near]] = {}
    for each in await queries.beside(session, said[0].id, [pair.beside for pair in pairs]):
        near.setdefault(each.id, []).append(each)
    scored = {pair.beside: compare(said, near[pair.beside]) for pair in pairs}
    gone = [pair for pair in pairs if not _stays(pair, scored[pair.beside])]
    kept = {each.other.id: each for each in found} | scored
    for pair in gone:
        del kept[pair.beside]
    await keep(session, list(kept.values()), [False] * len(kept), now, is_later=True)
    await _remove(session, gone)


def _stays(pair: OpenPair, scored: Found) -> bool:
    """What was found at screening is kept for previews, whatever it scores; what holds a lead is left to operators."""
    return scored.score.number >= KEPT_FROM or pair.was_screened or pair.holds


async def _remove(session: AsyncSession, pairs: Sequence[OpenPair]) -> None:
    if pairs:
        these = tuple_(LeadPair.lead_id, LeadPair.other_id).in_([(pair.lead_id, pair.other_id) for pair in pairs])
        removal = delete(LeadPair).where(these, LeadPair.state == PairState.OPEN)
        await session.execute(removal, execution_options={"synchronize_session": False})
