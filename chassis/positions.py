"""How far a consumer has come with each aggregate, so that an event that is missing is seen and not stepped over.

Versions of an aggregate ascend by one. A consumer that meets an aggregate in the middle of its life, because the topic
was trimmed or because it is new, begins there. Compacted topics have no positions: their gaps mean nothing.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import Integer, LargeBinary, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession


class Position(NamedTuple):
    """The first version that was settled here, and the last; all between them are settled too."""

    first: int
    last: int


_READ = text(
    "SELECT key, first_version, last_version FROM consumer_positions WHERE consumer = :consumer AND key = ANY(:keys)"
).bindparams(bindparam("keys", type_=ARRAY(LargeBinary)))

# Whoever comes late with an older batch moves nothing back.
_ADVANCE = text(
    """
    INSERT INTO consumer_positions AS p (consumer, key, first_version, last_version)
    SELECT :consumer, key, first, last FROM unnest(:keys, :firsts, :lasts) AS reached (key, first, last) ORDER BY key
    ON CONFLICT (key, consumer) DO UPDATE SET last_version = excluded.last_version
    WHERE p.last_version < excluded.last_version
    """
).bindparams(
    bindparam("keys", type_=ARRAY(LargeBinary)),
    bindparam("firsts", type_=ARRAY(Integer)),
    bindparam("lasts", type_=ARRAY(Integer)),
)

_FORGET = text("DELETE FROM consumer_positions WHERE consumer = :consumer AND key = :key")


async def read(session: AsyncSession, consumer: str, keys: Collection[bytes]) -> dict[bytes, Position]:
    found = await session.execute(_READ, {"consumer": consumer, "keys": list(keys)})
    return {row[0]: Position(row[1], row[2]) for row in found}


async def advance(session: AsyncSession, consumer: str, reached: Mapping[bytes, Position]) -> None:
    if reached:
        firsts, lasts = zip(*reached.values(), strict=True)
        places = {"keys": list(reached), "firsts": list(firsts), "lasts": list(lasts)}
        await session.execute(_ADVANCE, {"consumer": consumer} | places)


async def forget(session: AsyncSession, consumer: str, key: bytes) -> None:
    """The next version that comes is taken as it is: for when nobody can say which one was given up."""
    await session.execute(_FORGET, {"consumer": consumer, "key": key})
