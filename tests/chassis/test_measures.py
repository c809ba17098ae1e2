"""What the chassis's gauges say of the connection pool and of schedules, and whose gauges a worker sets."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import FixedClock
from chassis.database import Database, create_engine
from chassis.process import runtimes_of
from chassis.schedule import Job, Scheduler
from chassis.service import Service
from chassis.worker import Worker
from deploy.local.postgres import ServiceDatabase
from tests.chassis import probe
from tests.kit.eventually import eventually
from tests.kit.metrics import gauge

START = datetime(2026, 3, 3, 1, tzinfo=UTC)


def in_use(pool: str) -> float:
    return gauge("waybill_database_pool_in_use", pool=pool)


class TestThePool:
    async def test_is_seen_in_use_and_then_free(self, chassis_database: ServiceDatabase) -> None:
        database = Database(create_engine(chassis_database.url, pool_size=3), "/waybill/probe")
        assert (gauge("waybill_database_pool_size", pool="sessions"), in_use("sessions")) == (3, 0)
        async with database.reading() as session:
            await session.execute(text("SELECT 1"))
            assert in_use("sessions") == 1
        assert in_use("sessions") == 0
        await database.close()

    async def test_of_single_statements_is_seen_too(self, chassis_database: ServiceDatabase) -> None:
        database = Database(create_engine(chassis_database.url, pool_size=1), "/waybill/probe")
        assert (gauge("waybill_database_pool_size", pool="statements"), in_use("statements")) == (10, 0)
        async with database.reading() as holder:
            await holder.execute(text("SELECT pg_advisory_xact_lock(1)"))
            waiting = asyncio.create_task(database.publish_in("SELECT pg_advisory_xact_lock(1)"))
            await eventually(lambda: asyncio.sleep(0, result=in_use("statements") == 1))
        await waiting
        assert in_use("statements") == 0
        await database.close()

    async def test_counts_who_waited_in_vain(
        self, chassis_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database = Database(create_engine(chassis_database.url, pool_size=1), "/waybill/probe")
        monkeypatch.setattr(database.engine.pool, "_timeout", 0.01)
        before = gauge("waybill_database_pool_timeouts_total")
        async with database.transaction() as holder:
            await holder.execute(text("SELECT 1"))
            with pytest.raises(PoolTimeoutError):
                async with database.reading() as waiting:
                    await waiting.execute(text("SELECT 1"))
        assert gauge("waybill_database_pool_timeouts_total") == before + 1
        await database.close()


def hourly(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


class TestTheNextRun:
    """The gauge that tells a missed run."""

    async def test_stays_at_the_first_run_that_is_missed_and_moves_on_when_it_is_made_up(
        self, chassis_database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chassis.schedule.RETRY_SECONDS", 0)
        monkeypatch.setattr("chassis.schedule.POLL_SECONDS", 0.01)
        clock, broken = FixedClock(START), True

        async def run(_due_at: datetime) -> None:
            if broken:
                raise LookupError("the job's own fault")

        database = Database(create_engine(chassis_database.url, pool_size=2), "/waybill/probe")
        scheduler = Scheduler(database, clock, (Job("probe", hourly, run),))
        running = asyncio.create_task(scheduler.run())
        await eventually(lambda: shows(START + timedelta(hours=1)))
        clock.advance(timedelta(hours=3, minutes=10))
        failed = gauge_or_zero("waybill_schedule_runs_total", schedule="probe", outcome="failed")
        await eventually(lambda: has_failed_since(failed))
        assert await shows(START + timedelta(hours=1))
        broken = False
        await eventually(lambda: shows(START + timedelta(hours=4)))
        assert gauge("waybill_schedule_last_run_timestamp_seconds", schedule="probe") == START.timestamp() + 3 * 3600
        scheduler.stop()
        await running
        await database.close()


class TestTheRecord:
    async def test_of_runs_is_kept_for_a_season(self, chassis_database: ServiceDatabase) -> None:
        """A job of each minute leaves a row each minute."""

        async def run(_due_at: datetime) -> None:
            return

        database = Database(create_engine(chassis_database.url, pool_size=2), "/waybill/probe")
        long_ago = "INSERT INTO schedule_runs (job, due_at, started_at, finished_at) VALUES ('probe', :at, :at, :at)"
        async with database.transaction() as session:
            for ago in (timedelta(days=91), timedelta(days=89)):
                await session.execute(text(long_ago), {"at": START - ago})
        scheduler = Scheduler(database, FixedClock(START), (Job("probe", hourly, run),))
        running = asyncio.create_task(scheduler.run())

        async def recorded() -> list[datetime]:
            async with database.reading() as session:
                found = await session.scalars(text("SELECT due_at FROM schedule_runs ORDER BY due_at"))
                return list(found)

        async def is_forgotten() -> bool:
            return await recorded() == [START - timedelta(days=89), START]

        await eventually(is_forgotten)
        scheduler.stop()
        await running
        await database.close()


async def shows(next_run: datetime) -> bool:
    name = "waybill_schedule_next_run_timestamp_seconds"
    return gauge_or_zero(name, schedule="probe") == next_run.timestamp()


async def has_failed_since(failed: float) -> bool:
    return gauge_or_zero("waybill_schedule_runs_total", schedule="probe", outcome="failed") > failed


def gauge_or_zero(name: str, **labels: Any) -> float:
    try:
        return gauge(name, **labels)
    except LookupError:
        return 0.0


class TestAWorker:
    async def test_sets_the_gauges_of_its_service(self, chassis_database: ServiceDatabase) -> None:
        seen: list[int] = []

        async def measure(session: AsyncSession) -> None:
            seen.append(await session.scalar(text("SELECT count(*) FROM outbox")) or 0)

        settings = probe.settings(chassis_database.url, "127.0.0.1:9")
        database = probe.database(chassis_database.url)
        service = Service("probe", settings, FixedClock(START), database, measures=(measure,))
        worker = Worker(service, runtimes_of(service))
        async with worker.running():
            await eventually(lambda: asyncio.sleep(0, result=bool(seen)))
        assert seen[0] == 0
        await database.close()
