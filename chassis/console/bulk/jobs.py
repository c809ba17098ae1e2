"""A job's life: proposed with what was seen of each row, confirmed once, finished when no row is left."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Text, Uuid, bindparam, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import BULK_JOB, Actor, Subject, record
from chassis.console.bulk.declaration import BulkAction, Verdict
from chassis.console.bulk.failures import has_failed_rows
from chassis.console.bulk.states import JobState, RowState
from chassis.errors import Invalid, NotFound, Refusal
from chassis.http.forms import CSRF_FIELD, Form
from chassis.ids import new_id
from chassis.paging import PageRequest
from chassis.tables import bulk_jobs, bulk_rows
from chassis.telemetry.context import current_request

MOST_ROWS = 10_000
_ROWS_AT_ONCE = 1_000
SHOWN_ROWS = 200
SIGHT_LENGTH = 16
GONE = Verdict("No longer there", "it is no longer in the list")


_SEE = text("""
    UPDATE bulk_rows SET name = seen.name, state = seen.state, detail = seen.detail
    FROM unnest(:ids, :names, :states, :details) AS seen (id, name, state, detail)
    WHERE job_id = :job_id AND subject_id = seen.id
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    *(bindparam(name, type_=ARRAY(Text)) for name in ("names", "states", "details")),
)


class NothingSelected(Invalid):
    code = "nothing_selected"
    title = "Nothing selected"


class TooManySelected(Invalid):
    code = "too_many_selected"
    title = "Too many selected"


class NotPreviewed(Refusal):
    code = "not_previewed"
    title = "Not looked at yet"


class PreviewedAnew(Refusal):
    code = "previewed_anew"
    title = "Previewed with another form"


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
    if len(command.ids) > MOST_ROWS:
        raise TooManySelected(f"one bulk action takes {MOST_ROWS:,} rows at the most: narrow the list down")
    verdicts: dict[UUID, Verdict] = {}
    for ids in _portions(command.ids):
        verdicts |= await command.action.look(session, ids, now)
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
    rows = [
        _row(job_id, number, id_, verdicts.get(id_, GONE))
        for number, id_ in enumerate(dict.fromkeys(command.ids), start=1)
    ]
    await session.execute(insert(bulk_rows), rows)
    return job_id


def _portions(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (ids[begin : begin + _ROWS_AT_ONCE] for begin in range(0, len(ids), _ROWS_AT_ONCE))


def _row(job_id: UUID, number: int, id_: UUID, verdict: Verdict) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "row_no": number,
        "subject_id": id_,
        "name": verdict.name,
        "state": _state_of(verdict),
        "detail": _detail_of(verdict),
    }


def _state_of(verdict: Verdict) -> RowState:
    return RowState.BLOCKED if verdict.why_not else RowState.READY


def _detail_of(verdict: Verdict) -> str:
    """What changes in a row stays with it once it is done."""
    return verdict.why_not or verdict.effect


async def preview(
    session: AsyncSession, job_id: UUID, action: BulkAction, form: Form, actor: Actor, now: datetime, zone: ZoneInfo
) -> None:
    """Keeps the form, and what it would change in each row. Until it is confirmed another may take its place.

    `zone` is the business zone: by its clocks people write days and times in a form.
    """
    look_with = NotFound.unless(action.look_with, "this bulk action has no preview")
    job = await _open_job(session, job_id, actor)
    if job is None:
        return
    chosen = select(bulk_rows.c.subject_id).where(bulk_rows.c.job_id == job_id).order_by(bulk_rows.c.row_no)
    ids = (await session.scalars(chosen)).all()
    if action.looks_at_all:
        seen = await look_with(session, ids, form, now, zone)
    for portion in _portions(ids):
        if not action.looks_at_all:
            seen = await look_with(session, portion, form, now, zone)
        await _see_anew(session, job_id, portion, seen)
    await session.execute(
        update(bulk_jobs).where(bulk_jobs.c.id == job_id).values(state=JobState.PREVIEWED, form=_kept(form))
    )


async def _see_anew(session: AsyncSession, job_id: UUID, ids: Sequence[UUID], verdicts: Mapping[UUID, Verdict]) -> None:
    found = [verdicts.get(id_, GONE) for id_ in ids]
    seen = {
        "ids": list(ids),
        "names": [each.name for each in found],
        "states": [str(_state_of(each)) for each in found],
        "details": [_detail_of(each) for each in found],
    }
    await session.execute(_SEE, {"job_id": job_id, **seen})


async def confirm(
    session: AsyncSession, job_id: UUID, action: BulkAction, form: Form, actor: Actor, at: datetime
) -> None:
    """From here on it runs to its end, whatever happens to a process. Confirmed twice, it runs once."""
    job = await _open_job(session, job_id, actor)
    if job is not None:
        await _begin(session, job, action, _kept(form), actor, at)


async def confirm_previewed(
    session: AsyncSession, job_id: UUID, action: BulkAction, sight: str, actor: Actor, at: datetime
) -> None:
    """As `confirm`, with the form that was kept: `sight` says which one the person has looked at."""
    job = await _open_job(session, job_id, actor)
    if job is None:
        return
    if job.state != JobState.PREVIEWED:
        raise NotPreviewed("fill in the form and look at what would change first")
    if sight_of(job) != sight:
        raise PreviewedAnew("it was previewed again with another form: look at what that one would change")
    await _begin(session, job, action, job.form, actor, at)


def sight_of(job: Row[Any]) -> str:
    """Names the form that was previewed."""
    return sha256(json.dumps(job.form, sort_keys=True).encode()).hexdigest()[:SIGHT_LENGTH]


def _kept(form: Form) -> dict[str, Any]:
    return form.model_dump(mode="json", exclude={CSRF_FIELD}, exclude_none=True)


async def _open_job(session: AsyncSession, job_id: UUID, actor: Actor) -> Row[Any] | None:
    """Locked; None where it was confirmed already."""
    job = await find(session, job_id, lock=True)
    if job.actor_id != actor.id:
        raise NotYourJob(f"{job.actor_name} has begun it, and can confirm it")
    return job if JobState(job.state).is_open else None


async def _begin(
    session: AsyncSession, job: Row[Any], action: BulkAction, form: Mapping[str, Any], actor: Actor, at: datetime
) -> None:
    request = current_request()
    begun = {
        "state": JobState.RUNNING,
        "form": form,
        "started_at": at,
        "request_id": request.request_id if request else None,
        "correlation_id": request.correlation_id if request else None,
    }
    await session.execute(update(bulk_jobs).where(bulk_jobs.c.id == job.id).values(begun))
    counts = await counts_of(session, job.id)
    await record(
        session,
        actor=actor,
        action=f"bulk_{action.name}",
        subject=Subject(BULK_JOB, job.id),
        after={"list": job.list, "rows": counts.get(RowState.READY, 0)},
        reason_text=str(form["reason"]) if form.get("reason") else None,
    )


async def find(session: AsyncSession, job_id: UUID, *, lock: bool = False) -> Row[Any]:
    query = select(bulk_jobs).where(bulk_jobs.c.id == job_id)
    found = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    return NotFound.unless(found, "there is no such bulk action", job_id=job_id)


async def counts_of(session: AsyncSession, job_id: UUID) -> Mapping[RowState, int]:
    query = select(bulk_rows.c.state, func.count()).where(bulk_rows.c.job_id == job_id).group_by(bulk_rows.c.state)
    return {RowState(state): count for state, count in (await session.execute(query)).all()}


async def counts_of_all(session: AsyncSession, job_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[RowState, int]]:
    """As `counts_of`, of each of them."""
    query = (
        select(bulk_rows.c.job_id, bulk_rows.c.state, func.count().label("number"))
        .where(bulk_rows.c.job_id.in_(job_ids))
        .group_by(bulk_rows.c.job_id, bulk_rows.c.state)
    )
    counts: dict[UUID, dict[RowState, int]] = {job_id: {} for job_id in job_ids}
    for row in await session.execute(query):
        counts[row.job_id][RowState(row.state)] = row.number
    return counts


async def list_jobs(
    session: AsyncSession,
    page: PageRequest,
    state: JobState | None,
    actor_id: UUID | None,
    failing_at: datetime | None = None,
) -> Sequence[Row[Any]]:
    """The latest first, one more than the page holds; `failing_at` is the instant at which they call for somebody."""
    query = select(bulk_jobs)
    if state is not None:
        query = query.where(bulk_jobs.c.state == state)
    if actor_id is not None:
        query = query.where(bulk_jobs.c.actor_id == actor_id)
    if failing_at is not None:
        query = query.where(has_failed_rows(failing_at))
    return (await session.execute(page.apply(query, bulk_jobs.c.proposed_at, bulk_jobs.c.id))).all()


async def rows_of(session: AsyncSession, job_id: UUID) -> Sequence[Row[Any]]:
    """The first of them, what needs a person's eye before all else; the list of the job's rows has them all."""
    query = select(bulk_rows).where(bulk_rows.c.job_id == job_id)
    order = func.array_position(
        [RowState.FAILED, RowState.REFUSED, RowState.BLOCKED, RowState.READY, RowState.DONE], bulk_rows.c.state
    )
    return (await session.execute(query.order_by(order, bulk_rows.c.row_no).limit(SHOWN_ROWS))).all()


async def rows_after(
    session: AsyncSession, job_id: UUID, row_no: int, limit: int, state: RowState | None
) -> Sequence[Row[Any]]:
    """In the order of their numbers, from the one after `row_no` on."""
    query = select(bulk_rows).where(bulk_rows.c.job_id == job_id, bulk_rows.c.row_no > row_no)
    if state is not None:
        query = query.where(bulk_rows.c.state == state)
    return (await session.execute(query.order_by(bulk_rows.c.row_no).limit(limit))).all()


async def undone_of(session: AsyncSession, job_id: UUID) -> Sequence[UUID]:
    """What was refused or failed, and could be done again."""
    query = select(bulk_rows.c.subject_id).where(
        bulk_rows.c.job_id == job_id, bulk_rows.c.state.in_([RowState.REFUSED, RowState.FAILED])
    )
    return (await session.scalars(query.order_by(bulk_rows.c.row_no))).all()
