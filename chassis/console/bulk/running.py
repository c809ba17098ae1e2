"""Does what jobs hold: at once for who waits for it, and in the worker for what takes longer or was cut off."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from sqlalchemy import Row, exists, select, update

from chassis.causation import Cause, caused_by, current_cause
from chassis.clock import Clock
from chassis.console.bulk import jobs
from chassis.console.bulk.declaration import BulkAction, BulkActor, DoneAlready, Work
from chassis.console.bulk.states import JobState, RowState
from chassis.database import Database
from chassis.errors import Refusal
from chassis.faults import is_passing
from chassis.loops import Loop
from chassis.tables import bulk_jobs, bulk_rows
from chassis.telemetry.context import RequestContext, answering

if TYPE_CHECKING:
    from chassis.console.lists.declaration import Listing

log = structlog.get_logger(__name__)

ROWS_AT_ONCE = 50
FAULT_TOLD = "It failed for a fault of ours, and nothing was changed"


class BulkRunner:
    """`given` is what the deeds need beside database and clock, by name, as a vendor's gateway."""

    def __init__(
        self, database: Database, clock: Clock, listings: "Sequence[Listing]", given: Mapping[str, Any] | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._given = given or {}
        self._actions = {(each.name, action.name): action for each in listings for action in each.bulk}
        self.listings = {each.name: each for each in listings if each.bulk}

    async def step(self) -> bool:
        """A portion of the oldest job that runs; whether there was any."""
        query = select(bulk_jobs.c.id).where(bulk_jobs.c.state == JobState.RUNNING).order_by(bulk_jobs.c.started_at)
        async with self._database.reading() as session:
            job_id = await session.scalar(query.limit(1))
        if job_id is None:
            return False
        await self.run(job_id, lambda: True)
        return True

    async def run(self, job_id: UUID, is_enough: Callable[[], bool]) -> None:
        """Rows one after another until there is none, or until `is_enough` says so after a portion."""
        async with self._database.reading() as session:
            job = await jobs.find(session, job_id)
        action = self._actions.get((job.list, job.action))
        while job.state == JobState.RUNNING:
            async with self._database.reading() as session:
                rows = (await session.execute(_ready(job_id))).all()
            if not rows or action is None:
                await self._finish(job_id)
                return
            # Whichever process it is in, what is done answers the request that confirmed it.
            request = _request_of(job)
            with answering(request), caused_by(_cause_of(request)):
                for row in rows:
                    await self._do(job, row, action)
            if is_enough():
                return

    async def run_for(self, job_id: UUID, seconds: float) -> None:
        """For who waits: most jobs are done within a second."""
        ends = monotonic() + seconds
        await self.run(job_id, lambda: monotonic() > ends)

    async def _do(self, job: Row[Any], row: Row[Any], action: BulkAction) -> None:
        work = Work(
            database=self._database,
            clock=self._clock,
            given=self._given,
            actor=BulkActor(job.actor_id, job.actor_name),
            form=action.form.model_validate(job.form),
            id=row.subject_id,
            job_id=job.id,
            row_no=row.row_no,
        )
        try:
            await action.do(work)
            if not work.is_settled:
                async with work.transaction():
                    pass
        except DoneAlready:
            return
        except Refusal as refused:
            await self._settle(row, RowState.REFUSED, refused.detail)
        except Exception as fault:
            # What passes is tried again with the rest of the job; anything else is this row's end.
            if is_passing(fault):
                raise
            log.exception("bulk_row_failed", job_id=str(job.id), row_no=row.row_no, fault=type(fault).__name__)
            await self._settle(row, RowState.FAILED, FAULT_TOLD)

    async def _settle(self, row: Row[Any], state: RowState, detail: str) -> None:
        async with self._database.transaction() as session:
            await session.execute(
                update(bulk_rows)
                .where(bulk_rows.c.job_id == row.job_id, bulk_rows.c.row_no == row.row_no)
                .where(bulk_rows.c.state == RowState.READY)
                .values(state=state, detail=detail, done_at=self._clock.now())
            )

    async def _finish(self, job_id: UUID) -> None:
        left = exists().where(bulk_rows.c.job_id == job_id, bulk_rows.c.state == RowState.READY)
        async with self._database.transaction() as session:
            await session.execute(
                update(bulk_jobs)
                .where(bulk_jobs.c.id == job_id, bulk_jobs.c.state == JobState.RUNNING, ~left)
                .values(state=JobState.FINISHED, finished_at=self._clock.now())
            )


def _request_of(job: Row[Any]) -> RequestContext:
    """One that was confirmed before requests were kept stands for its own."""
    request_id = job.request_id or str(job.id)
    return RequestContext(request_id, job.correlation_id or request_id, str(job.actor_id), job.id)


def _cause_of(request: RequestContext) -> Cause:
    """In the request itself it stays part of that one's trace."""
    here = current_cause()
    return Cause(request.correlation_id, traceparent=here.traceparent if here else None)


def _ready(job_id: UUID) -> Any:
    return (
        select(bulk_rows)
        .where(bulk_rows.c.job_id == job_id, bulk_rows.c.state == RowState.READY)
        .order_by(bulk_rows.c.row_no)
        .limit(ROWS_AT_ONCE)
    )


def bulk_loop(runner: BulkRunner) -> Loop:
    """For the service's `loops`: finishes what a request left over, or what a process left that died."""
    return Loop("bulk", runner.step, hears_commits=False)
