"""Erasing what mails said, once they have been settled long enough."""

from datetime import datetime, timedelta

from chassis.clock import Clock
from chassis.database import Database
from services.notifications.commands.messages import erase_contents

PORTION = 500


class Retention:
    def __init__(self, database: Database, clock: Clock, days: int) -> None:
        self._database = database
        self._clock = clock
        self._days = days

    async def run(self, due_at: datetime) -> None:
        """In portions, each a transaction of its own, so that nothing waits behind a night's erasing."""
        erased = PORTION
        while erased == PORTION:
            async with self._database.transaction() as session:
                before = due_at - timedelta(days=self._days)
                erased = await erase_contents(session, before, PORTION, self._clock.now())
