"""The pairs between two families of leads that are made one, and two again."""

from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake import queries
from services.intake.models import Merge

_BETWEEN = """
    (p.lead_id = ANY (:ones) AND p.other_id = ANY (:others) OR p.lead_id = ANY (:others) AND p.other_id = ANY (:ones))
"""
_FAMILIES = (bindparam("ones", type_=ARRAY(Uuid)), bindparam("others", type_=ARRAY(Uuid)))
_DECISION = (
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("by", type_=Text),
    bindparam("reason", type_=Text),
)

_SETTLE = text(
    f"""
    UPDATE lead_pairs p SET state = 'merged', decided_at = :at, decided_by = :by, reason_code = :reason
     WHERE {_BETWEEN} AND p.state = 'open'
    """  # noqa: S608  # ours alone
).bindparams(*_FAMILIES, *_DECISION)

# What held a lead that the merge let go is decided, as by any release. One that is a tombstone still is held again by
# what held it, once its own merge is taken apart.
_OPEN = text(
    f"""
    UPDATE lead_pairs p
       SET (state, decided_at, decided_by, reason_code) = (
           SELECT CASE WHEN is_over THEN 'dismissed' ELSE 'open' END, CASE WHEN is_over THEN :at END,
                  CASE WHEN is_over THEN :by END, CASE WHEN is_over THEN :reason END
             FROM (SELECT p.holds AND l.status <> 'duplicate_review' AND l.merged_into IS NULL AS is_over
                     FROM leads l WHERE l.id = p.lead_id) AS held
       )
     WHERE {_BETWEEN} AND p.state = 'merged'
    """  # noqa: S608  # ours alone
).bindparams(*_FAMILIES, *_DECISION)


async def settle_between(session: AsyncSession, merge: Merge) -> None:
    """None of them waits for a look any more, nor holds a lead. Call it while they are two families."""
    decision = {"at": merge.merged_at, "by": merge.merged_by, "reason": merge.reason_code}
    await session.execute(_SETTLE, await _families(session, merge) | decision)


async def open_between(session: AsyncSession, merge: Merge) -> None:
    """They are as they were, but for the pair of the two themselves. Call it once they are two families again."""
    decision = {"at": merge.unmerged_at, "by": merge.unmerged_by, "reason": merge.unmerge_reason}
    await session.execute(_OPEN, await _families(session, merge) | decision)


async def _families(session: AsyncSession, merge: Merge) -> dict[str, object]:
    """Nobody is merged into either of them or taken out of it meanwhile: both rows are locked."""
    ones: list[UUID] = list(await queries.family_of(session, merge.survivor_id))
    others: list[UUID] = list(await queries.family_of(session, merge.loser_id))
    return {"ones": ones, "others": others}
