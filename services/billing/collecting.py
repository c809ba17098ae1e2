"""What the end of a day decides about promises to pay, a portion at a time, each in a transaction of its own."""

from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from chassis.clock import Clock
from chassis.database import Database
from services.billing.commands.promises import judge_promises

log = structlog.get_logger(__name__)


class PromiseJudge:
    def __init__(self, database: Database, clock: Clock, zone: ZoneInfo) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone

    async def run(self, due_at: datetime) -> None:
        """The day in which it is due has begun: what was promised for those before it is kept by now, or broken."""
        while ended := await self._judge_some(due_at):
            log.info("promises_judged", promises=ended)

    async def _judge_some(self, due_at: datetime) -> int:
        async with self._database.transaction() as session:
            return await judge_promises(session, due_at.astimezone(self._zone).date(), self._clock.now())
