"""The loops that keep the exception queue moving by itself: what is due is tried again, what is overdue is told of."""

import structlog
from prometheus_client import Counter

from chassis.clock import Clock
from chassis.database import Database
from chassis.faults import is_passing
from chassis.loops import Loop
from services.routing.commands.escalating import (
    escalate_due,
    give_late_ones,
    give_on_from_who_left,
    put_cold_ones_aside,
)
from services.routing.commands.retrying import RetryBrokeOff, put_off, retry_next

log = structlog.get_logger(__name__)

IDLE_SECONDS = (0.5, 2.0)
"""Nothing here is due to the second."""
RETRIES = Counter("waybill_dispatch_retries_total", "Tries that fell due by themselves, by what came of them", ["end"])
ESCALATED = Counter("waybill_dispatch_exceptions_escalated_total", "Items that nobody saw to in time")


class QueueKeeper:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def retry(self) -> bool:
        """One lead in a transaction of its own; whether one was due."""
        now = self._clock.now()
        try:
            async with self._database.transaction() as session:
                item = await retry_next(session, now)
        except RetryBrokeOff as broken:
            fault = broken.__cause__ or broken
            if is_passing(fault):
                raise fault from None
            log.exception("retry_failed", exception_id=str(broken.exception_id), fault=type(fault).__name__)
            async with self._database.transaction() as session:
                await put_off(session, broken.exception_id, now)
            RETRIES.labels("broke_off").inc()
            return True
        if item is None:
            return False
        RETRIES.labels("waits" if item.is_open else "settled").inc()
        return True

    async def escalate(self) -> bool:
        now = self._clock.now()
        async with self._database.transaction() as session:
            cold = await put_cold_ones_aside(session, now)
        async with self._database.transaction() as session:
            left = await give_on_from_who_left(session, now)
        async with self._database.transaction() as session:
            number = await escalate_due(session, now)
        async with self._database.transaction() as session:
            given = await give_late_ones(session, now)
        ESCALATED.inc(number)
        return bool(cold or left or number or given)

    def loops(self) -> tuple[Loop, Loop]:
        return (
            Loop("escalations", self.escalate, idle_seconds=IDLE_SECONDS, hears_commits=False),
            Loop("retries", self.retry, idle_seconds=IDLE_SECONDS, hears_commits=False),
        )
