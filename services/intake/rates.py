"""How many leads a source may hand in a minute: a portion at a time from the database, so that few leads ask there."""

import asyncio
from math import ceil
from time import monotonic
from uuid import UUID

from chassis.database import Database
from services.intake.commands.budgets import lease
from services.intake.domain import Bucket
from services.intake.errors import RateLimited


class RateLimiter:
    """`house_rate` is that of a source without one of its own; 0 is none."""

    def __init__(self, database: Database, house_rate: int) -> None:
        self._database = database
        self._house_rate = house_rate
        self._buckets: dict[UUID, Bucket] = {}
        self._asking: dict[UUID, asyncio.Lock] = {}

    async def admit(self, source_id: UUID, rate_per_minute: int | None) -> None:
        """Raises RateLimited. Over all processes no minute has more than the rate, by the server's clock."""
        limit = self._house_rate if rate_per_minute is None else rate_per_minute
        if limit == 0:
            return
        bucket = self._bucket(source_id, limit)
        wait = bucket.take(monotonic())
        if wait == 0:
            wait = await self._take_of_a_lease(source_id, bucket)
        if wait is not None:
            raise RateLimited(f"more than {limit:,} leads in a minute", max(1, ceil(wait)))

    def _bucket(self, source_id: UUID, limit: int) -> Bucket:
        bucket = self._buckets.get(source_id)
        if bucket is None or bucket.limit != limit:
            bucket = self._buckets[source_id] = Bucket(limit)
        return bucket

    async def _take_of_a_lease(self, source_id: UUID, bucket: Bucket) -> float | None:
        """One asks for all that wait; a minute that ended meanwhile is asked for anew."""
        async with self._asking.setdefault(source_id, asyncio.Lock()):
            while (wait := bucket.take(monotonic())) == 0:
                asked_at = monotonic()
                async with self._database.transaction() as session:
                    leased = await lease(session, source_id, bucket.lease, bucket.limit)
                bucket.fill(leased.given, asked_at, leased.seconds_left)
            return wait
