"""What a consumer may forget: inbox rows older than any redelivery that its positions would not catch.

A position settles every version up to its last, whatever the inbox remembers, so that rows can go without an old
duplicate being applied again. A compacted topic has no positions, and its rows stay: they are as few as its changes.
What is parked although another process has applied it is remembered until it is settled, as its replay asks the inbox.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.database import Database
from chassis.event_metrics import INBOX_FORGOTTEN
from chassis.ids import earliest_id
from chassis.schedule import Job

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
PORTION = 5_000
PORTIONS = 200
"""Of one run, so that the jobs behind it have their turn: a million rows, far more than an hour brings."""

# Ids ascend by time: the walk begins where the last one ended, not at what it left behind for vacuum.
_FORGET = text(
    """
    WITH old AS (
        SELECT event_id, consumer FROM inbox
        WHERE event_id > :after AND event_id < :before AND consumer = ANY(:consumers) AND NOT EXISTS (
            SELECT FROM parked_events p
            WHERE p.state = 'parked' AND p.consumer = inbox.consumer AND p.event_id = inbox.event_id
        )
        ORDER BY event_id, consumer LIMIT :portion
    )
    DELETE FROM inbox USING old WHERE inbox.event_id = old.event_id AND inbox.consumer = old.consumer
    RETURNING inbox.event_id
    """
).bindparams(bindparam("after", type_=Uuid), bindparam("before", type_=Uuid), bindparam("consumers", type_=ARRAY(Text)))


class InboxRetention:
    """Forgets in portions, each a transaction of its own. `consumers` are those that keep positions."""

    def __init__(self, database: Database, consumers: Collection[str], days: int) -> None:
        self._database = database
        self._consumers = sorted(consumers)
        self._kept = timedelta(days=days)
        self._after = UUID(int=0)

    @property
    def job(self) -> Job:
        return Job("inbox_retention", lambda instant: instant + EVERY, self.run)

    async def run(self, _due_at: datetime) -> None:
        """By the machine's clock, as ids are: business time that is moved forward takes nothing with it."""
        before, forgotten = earliest_id(datetime.now(UTC) - self._kept), 0
        for _ in range(PORTIONS):
            portion = await self._forget(before)
            forgotten += portion
            if portion < PORTION:
                break
        if forgotten:
            log.info("inbox_forgotten", rows=forgotten)

    async def _forget(self, before: UUID) -> int:
        values = {"after": self._after, "before": before, "consumers": self._consumers, "portion": PORTION}
        async with self._database.transaction() as session:
            gone = (await session.scalars(_FORGET, values)).all()
        if gone:
            # Of the last one's event another consumer's row may be left for the next portion.
            self._after = UUID(int=max(gone).int - 1)
        INBOX_FORGOTTEN.inc(len(gone))
        return len(gone)
