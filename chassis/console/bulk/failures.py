"""Rows that failed for a fault of ours: they call for somebody until they are looked at again."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.bulk.states import RowState
from chassis.console.desk import Backlog, Waiting
from chassis.console.siblings import BULK_ACTIONS
from chassis.console.wording import counted
from chassis.tables import bulk_jobs, bulk_rows
from contracts.identity import Capability

ROOM = "bulk-actions"
FAILING = "failing"
"""The filter of the room that shows just these."""
CALLS_FOR = timedelta(days=30)
"""Nobody is called for what is older: whatever it was about has moved on."""


def has_failed_rows(now: ColumnElement[datetime] | datetime) -> ColumnElement[bool]:
    """Whether rows of the job failed that no later one of the same action has taken, to whatever end."""
    failed, later, taken = bulk_rows.alias("failed"), bulk_jobs.alias("later"), bulk_rows.alias("taken")
    is_taken_again = (
        exists()
        .where(later.c.list == bulk_jobs.c.list, later.c.action == bulk_jobs.c.action)
        .where(tuple_(later.c.proposed_at, later.c.id) > tuple_(bulk_jobs.c.proposed_at, bulk_jobs.c.id))
        .where(taken.c.job_id == later.c.id, taken.c.subject_id == failed.c.subject_id)
        .where(taken.c.state != RowState.READY)
        .correlate(bulk_jobs, failed)
    )
    has_any = exists().where(failed.c.job_id == bulk_jobs.c.id, failed.c.state == RowState.FAILED, ~is_taken_again)
    return (bulk_jobs.c.proposed_at > now - CALLS_FOR) & has_any.correlate(bulk_jobs)


async def _count(session: AsyncSession, now: datetime) -> Backlog:
    query = select(func.count(), func.min(bulk_jobs.c.started_at)).where(has_failed_rows(now))
    number, oldest = (await session.execute(query)).one()
    return Backlog(number, oldest)


def _say(number: int) -> str:
    return f"{counted(number, 'bulk action has', 'bulk actions have')} rows that failed and were not looked at again"


def failed_rows(service: str) -> Waiting:
    """For the desk of a service whose lists have bulk actions."""
    path = f"{BULK_ACTIONS.path(service)}?{FAILING}=true"
    return Waiting(ROOM, Capability.READ_OPS, _say, path, _count, is_alarming=True)
