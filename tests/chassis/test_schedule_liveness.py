"""A scheduler is stuck when it does not look at what is due; a job that has much to do is at work."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from chassis import schedule
from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from chassis.schedule import LONGEST_RUN_SECONDS, Job, Scheduler
from deploy.local.postgres import ServiceDatabase
from tests.kit.eventually import eventually

START = datetime(2026, 3, 3, 1, tzinfo=UTC)


class Gate:
    """A job that waits until it is let go."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()

    async def run(self, _due_at: datetime) -> None:
        self.reached.set()
        await self.open.wait()


async def test_a_job_at_work_is_not_stuck_for_as_long_as_one_may_take(
    chassis_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, gate = FixedClock(START), Gate()
    database = Database(create_engine(chassis_database.url, pool_size=2), "/waybill/probe")
    scheduler = Scheduler(database, clock, (Job("gated", lambda instant: instant + timedelta(hours=1), gate.run),))

    def stuck_after(seconds: float) -> bool:
        monkeypatch.setattr(schedule, "monotonic", lambda: monotonic() + seconds)
        answer = scheduler.is_stuck(30)
        monkeypatch.setattr(schedule, "monotonic", monotonic)
        return answer

    async def seen() -> bool:
        clock.advance(timedelta(hours=1))
        return gate.reached.is_set()

    running = asyncio.create_task(scheduler.run())
    try:
        assert stuck_after(31)
        await eventually(seen)
        assert not stuck_after(31)
        assert not stuck_after(LONGEST_RUN_SECONDS - 60)
        assert stuck_after(LONGEST_RUN_SECONDS + 1)
        gate.open.set()
        await eventually(lambda: asyncio.sleep(0, result=stuck_after(31)))
    finally:
        gate.open.set()
        scheduler.stop()
        await running
        await database.close()
