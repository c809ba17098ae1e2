"""Looks every so often whether the books can be closed, and tells when something keeps them from it."""

from time import monotonic

from chassis.clock import Clock
from chassis.database import Database
from services.billing.commands.book_blocks import watch_books


class BooksWatch:
    """Looks every so often, however often it is asked."""

    def __init__(self, database: Database, clock: Clock, every_seconds: float) -> None:
        self._database, self._clock = database, clock
        self._every_seconds = every_seconds
        self._due_at = 0.0

    async def step(self) -> bool:
        if monotonic() < self._due_at:
            return False
        async with self._database.transaction() as session:
            await watch_books(session, self._clock.now())
        self._due_at = monotonic() + self._every_seconds
        return False
