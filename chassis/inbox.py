"""What a consumer has applied: a row per event, written in the transaction of its effects."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

_CLAIM = text(
    """
    INSERT INTO inbox (event_id, consumer, received_at)
    SELECT event_id, :consumer, now() FROM unnest(:event_ids) AS event_id ORDER BY event_id
    ON CONFLICT DO NOTHING
    RETURNING event_id
    """
).bindparams(bindparam("event_ids", type_=ARRAY(Uuid)))


async def claim(session: AsyncSession, consumer: str, event_ids: Iterable[UUID]) -> set[UUID]:
    """Marks the events as applied by `consumer` and returns those that were not yet.

    A second process with the same events waits here for the first one's outcome. In the order of ids, so that two
    of them meeting with overlapping batches wait for each other in one direction only.
    """
    claimed = await session.scalars(_CLAIM, {"consumer": consumer, "event_ids": list(event_ids)})
    return set(claimed)


_SEEN = text("SELECT event_id FROM inbox WHERE consumer = :consumer AND event_id = ANY(:event_ids)").bindparams(
    bindparam("event_ids", type_=ARRAY(Uuid))
)


async def seen(session: AsyncSession, consumer: str, event_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the events that `consumer` has applied."""
    return set(await session.scalars(_SEEN, {"consumer": consumer, "event_ids": list(event_ids)}))
