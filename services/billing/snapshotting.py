"""Snapshots of the receivables that time asks for: each in a transaction of its own, until none is missing."""

from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from chassis.clock import Clock
from chassis.database import Database
from services.billing.commands.receivables import next_due, take_snapshot

log = structlog.get_logger(__name__)


class SnapshotTaker:
    """A job calls `run` each night; what an earlier night missed it takes first."""

    def __init__(self, database: Database, clock: Clock, zone: ZoneInfo) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone

    async def run(self, _due_at: datetime) -> None:
        while await self._take_next():
            continue

    async def _take_next(self) -> bool:
        async with self._database.transaction() as session:
            command = await next_due(session, self._zone, self._clock.now())
            if command is None:
                return False
            taken = await take_snapshot(session, command, self._zone, self._clock.now())
        log.info("receivables_snapshot_taken", kind=command.kind, accounts=taken.snapshot.account_count)
        return True
