"""Scheduled jobs: each due instant runs once over all processes, and again when the process died in the middle.

Business time decides, so that moving a laptop's clock to Monday runs Monday's sweep. Of several missed instants the
last one runs alone: a sweep finds what waits, however long it waited.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.clock import Clock
from chassis.database import Database
from chassis.event_metrics import JOB_LAST_RUN, JOB_NEXT_RUN, JOB_RUNS
from chassis.faults import is_passing
from chassis.tables import schedule_runs

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
RETRY_SECONDS = 15.0
LONGEST_RUN_SECONDS = 3600.0
"""A job that goes through all that a night left is at work, not stuck; what it waits for has limits of its own."""
KEPT = timedelta(days=90)
"""How long the record of a run is kept: a job of each minute leaves half a million of them a year."""


@dataclass(frozen=True, slots=True)
class Job:
    """`next_after(instant)` gives the first due instant after it; `run(due_at)` may be run again for the same one."""

    name: str
    next_after: Callable[[datetime], datetime]
    run: Callable[[datetime], Awaitable[None]]


def weekly(weekday: int, at: time, zone: ZoneInfo) -> Callable[[datetime], datetime]:
    """Every week at a wall-clock time of `zone`; Monday is 0. Daylight saving moves the instant, not the wall clock."""

    def next_after(instant: datetime) -> datetime:
        local = instant.astimezone(zone)
        for days in range(8):
            day = local.date() + timedelta(days=days)
            due = datetime.combine(day, at, zone).astimezone(UTC)
            if day.weekday() == weekday and due > instant:
                return due
        raise AssertionError("a week has each weekday")

    return next_after


def daily(at: time, zone: ZoneInfo) -> Callable[[datetime], datetime]:
    """Every day at a wall-clock time of `zone`."""

    def next_after(instant: datetime) -> datetime:
        day = instant.astimezone(zone).date()
        today = datetime.combine(day, at, zone).astimezone(UTC)
        return today if today > instant else datetime.combine(day + timedelta(days=1), at, zone).astimezone(UTC)

    return next_after


class Scheduler:
    def __init__(self, database: Database, clock: Clock, jobs: tuple[Job, ...]) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._stop = asyncio.Event()
        self._not_before: dict[str, float] = {}
        self._not_due_before: dict[str, datetime] = {}
        self._last_progress = monotonic()
        self._is_at_work = False

    def stop(self) -> None:
        self._stop.set()

    def is_stuck(self, within_seconds: float) -> bool:
        """Without a look at what is due for so long; while a job runs, for as long as none takes."""
        longest = LONGEST_RUN_SECONDS if self._is_at_work else within_seconds
        return monotonic() - self._last_progress > longest

    @property
    def is_stopped(self) -> bool:
        return self._stop.is_set()

    async def rest(self, seconds: float) -> None:
        """Waits, but not beyond the stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def run(self) -> None:
        while not self.is_stopped:
            for job in self._jobs:
                if self._may_be_due(job):
                    await self._run_when_due(job)
            self._last_progress = monotonic()
            await self.rest(POLL_SECONDS)

    def _may_be_due(self, job: Job) -> bool:
        """Cheap enough to ask twice a second: the table knows of no earlier instant than at the last look."""
        known = self._not_due_before.get(job.name)
        return monotonic() >= self._not_before.get(job.name, 0) and (known is None or self._clock.now() >= known)

    async def _run_when_due(self, job: Job) -> None:
        try:
            async with self._database.engine.connect() as connection:
                await self._run_alone(connection, job)
        except Exception as fault:
            JOB_RUNS.labels(job.name, "failed").inc()
            self._not_before[job.name] = monotonic() + RETRY_SECONDS
            if is_passing(fault):
                log.warning("schedule_away", job=job.name, fault=type(fault).__name__)
            else:
                log.exception("job_failed", job=job.name, fault=type(fault).__name__)

    async def _run_alone(self, connection: AsyncConnection, job: Job) -> None:
        """The lock is the session's, so that it ends with the process; no transaction is open while the job runs."""
        key = {"name": f"job:{job.name}"}
        if not await connection.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"), key):
            await connection.rollback()
            return
        await connection.commit()
        try:
            due_at = await self._due(connection, job)
            await connection.commit()
            if due_at is not None:
                await self._run(connection, job, due_at)
        finally:
            await connection.rollback()
            await connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), key)
            await connection.commit()

    async def _due(self, connection: AsyncConnection, job: Job) -> datetime | None:
        """The last instant that is due and not finished. A job seen for the first time is due from now on."""
        now = self._clock.now()
        finished = select(func.max(schedule_runs.c.due_at)).where(
            schedule_runs.c.job == job.name, schedule_runs.c.finished_at.is_not(None)
        )
        last: datetime | None = await connection.scalar(finished)
        if last is None:
            await self._write(connection, job, now, finished_at=now)
            last = now
        due, following = None, job.next_after(last)
        JOB_LAST_RUN.labels(job.name).set(last.timestamp())
        # The first that was not finished: while a run is missed, its instant lies further and further in the past.
        JOB_NEXT_RUN.labels(job.name).set(following.timestamp())
        while following <= now:
            due, following = following, job.next_after(following)
        if due is None:
            self._not_due_before[job.name] = following
        return due

    async def _run(self, connection: AsyncConnection, job: Job, due_at: datetime) -> None:
        await self._write(connection, job, due_at)
        await connection.commit()
        log.info("job_started", job=job.name, due_at=due_at.isoformat())
        self._last_progress, self._is_at_work = monotonic(), True
        try:
            await job.run(due_at)
        finally:
            self._last_progress, self._is_at_work = monotonic(), False
        await connection.execute(
            update(schedule_runs)
            .where(schedule_runs.c.job == job.name, schedule_runs.c.due_at == due_at)
            .values(finished_at=self._clock.now(), error=None)
        )
        past = (schedule_runs.c.job == job.name, schedule_runs.c.due_at < due_at - KEPT)
        await connection.execute(delete(schedule_runs).where(*past))
        await connection.commit()
        JOB_RUNS.labels(job.name, "finished").inc()
        log.info("job_finished", job=job.name, due_at=due_at.isoformat())

    async def _write(
        self, connection: AsyncConnection, job: Job, due_at: datetime, finished_at: datetime | None = None
    ) -> None:
        row = {"job": job.name, "due_at": due_at, "started_at": self._clock.now(), "finished_at": finished_at}
        await connection.execute(insert(schedule_runs).values(row).on_conflict_do_nothing())
