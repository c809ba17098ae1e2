"""Giving a source's minute out to the processes that take its leads."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Integer, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession


class Lease(NamedTuple):
    """`given` may be let in while the server's minute lasts, which is for `seconds_left`."""

    given: int
    seconds_left: float


# By the server's clock, which all processes share. Who waited here for another's lease may come with a minute that is
# over: it takes part in the one that is running.
_LEASE = text(
    """
    INSERT INTO source_budgets AS kept (source_id, minute, used)
    VALUES (:source_id, date_trunc('minute', clock_timestamp()), :number)
    ON CONFLICT (source_id) DO UPDATE
       SET minute = greatest(kept.minute, excluded.minute),
           used = CASE WHEN kept.minute >= excluded.minute THEN kept.used ELSE 0 END + excluded.used
    RETURNING used, extract(epoch FROM minute + interval '1 minute' - clock_timestamp())::float8 AS seconds_left
    """
).bindparams(bindparam("source_id", type_=Uuid), bindparam("number", type_=Integer))


async def lease(session: AsyncSession, source_id: UUID, number: int, limit: int) -> Lease:
    """Of `number` as many as the minute still has: never more than `limit` over all processes."""
    row = (await session.execute(_LEASE, {"source_id": source_id, "number": number})).one()
    before = row.used - number
    return Lease(max(0, min(number, limit - before)), row.seconds_left)
