"""A job's life: proposed with what was seen of each row, confirmed once, finished when no row is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor, Subject, record
from chassis.console.bulk.declaration import BulkAction, Verdict
from chassis.console.bulk.states import JobState, RowState
from chassis.errors import Invalid, NotFound, Refusal
from chassis.http.forms import CSRF_FIELD, Form
from chassis.ids import new_id
from chassis.tables import bulk_jobs, bulk_rows

MOST_ROWS = 10_000
_ROWS_AT_ONCE = 1_000
SHOWN_ROWS = 200


class NothingSelected(Invalid):
    code = "nothing_selected"
    title = "Nothing selected"


class NotYourJob(Refusal):
    code = "not_your_job"
    title = "Somebody else's bulk action"
    status = Refusal.status.FORBIDDEN


@dataclass(frozen=True, slots=True)
class Propose:
    list: str
    action: BulkAction
    ids: Sequence[UUID]
    actor: Actor


async def propose(session: AsyncSession, command: Propose, now: datetime) -> UUID:
    """Changes nothing but its own rows: what would be done to each, and what could not be."""
    if not command.ids:
        raise NothingSelected("select at least one row")
    verdicts: dict[UUID, Verdict] = {}
    for begin in range(0, len(command.ids), _ROWS_AT_ONCE):
        verdicts |= await command.action.look(session, command.ids[begin : begin + _ROWS_AT_ONCE], now)
    job_id = new_id()
    await session.execute(
        insert(bulk_jobs).values(
            id=job_id,
            list=command.list,
            action=command.action.name,
            state=JobState.PROPOSED,
            form={},
            actor_id=command.actor.id,
            actor_name=command.actor.name,
            proposed_at=now,
        )
    )
    gone = Verdict("No longer there", "it is no longer in the list")
    rows = [
        _row(job_id, number, id_, verdicts.get(id_, gone))
        for number, id_ in enumerate(dict.fromkeys(command.ids), start=1)
    ]
    await session.execute(insert(bulk_rows), rows)
    return job_id


def _row(job_id: UUID, number: int, id_: UUID, verdict: Verdict) -> dict[str, Any]:
    state = RowState.BLOCKED if verdict.why_not else RowState.READY
    return {
        "job_id": job_id,
        "row_no": number,
        "subject_id": id_,
        "name": verdict.name,
        "state": state,
        "detail": verdict.why_not,
    }


async def confirm(
    session: AsyncSession, job_id: UUID, action: BulkAction, form: Form, actor: Actor, at: datetime
) -> None:
    """From here on it runs to its end, whatever happens to a process. Confirmed twice, it runs once."""
    job = await find(session, job_id, lock=True)
    if job.actor_id != actor.id:
        raise NotYourJob(f"{job.actor_name} has begun it, and can confirm it")
    if job.state != JobState.PROPOSED:
        return
    given = form.model_dump(mode="json", exclude={CSRF_FIELD}, exclude_none=True)
    await session.execute(
        update(bulk_jobs).where(bulk_jobs.c.id == job_id).values(state=JobState.RUNNING, form=given, started_at=at)
    )
    counts = await counts_of(session, job_id)
    await record(
        session,
        actor=actor,
        action=f"bulk_{action.name}",
        subject=Subject("bulk_job", job_id),
        after={"list": job.list, "rows": counts.get(RowState.READY, 0)},
        reason_text=str(given["reason"]) if given.get("reason") else None,
    )


async def find(session: AsyncSession, job_id: UUID, *, lock: bool = False) -> Row[Any]:
    query = select(bulk_jobs).where(bulk_jobs.c.id == job_id)
    found = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    return NotFound.unless(found, "there is no such bulk action", job_id=job_id)


async def counts_of(session: AsyncSession, job_id: UUID) -> Mapping[RowState, int]:
    query = select(bulk_rows.c.state, func.count()).where(bulk_rows.c.job_id == job_id).group_by(bulk_rows.c.state)
    return {RowState(state): count for state, count in (await session.execute(query)).all()}


async def rows_of(session: AsyncSession, job_id: UUID) -> Sequence[Row[Any]]:
    """What needs a person's eye first."""
    query = select(bulk_rows).where(bulk_rows.c.job_id == job_id)
    order = func.array_position(
        [RowState.FAILED, RowState.REFUSED, RowState.BLOCKED, RowState.READY, RowState.DONE], bulk_rows.c.state
    )
    return (await session.execute(query.order_by(order, bulk_rows.c.row_no).limit(SHOWN_ROWS))).all()
