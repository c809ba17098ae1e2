"""What sources were refused, gathered in this process and written one portion after another.

However many are refused at once, one of them writes: refusing costs the database less than taking.
"""

from collections import Counter
from collections.abc import Iterable

import structlog

from chassis.database import Database
from services.intake.commands.rejections import Rejection, count_rejections

log = structlog.get_logger(__name__)


class RejectionCounter:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers: Counter[Rejection] = Counter()
        self._is_writing = False

    def add(self, rejections: Iterable[Rejection]) -> None:
        self._numbers.update(rejections)

    async def write(self) -> None:
        """Returns at once where somebody writes: what was added meanwhile goes with their next portion."""
        if self._is_writing:
            return
        self._is_writing = True
        try:
            while self._numbers:
                await self._write_portion()
        finally:
            self._is_writing = False

    async def _write_portion(self) -> None:
        numbers, self._numbers = self._numbers, Counter()
        try:
            async with self._database.transaction() as session:
                await count_rejections(session, numbers)
        except Exception:
            # They go with the next ones.
            self._numbers.update(numbers)
            raise
