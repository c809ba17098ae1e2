"""Following routing: what has become of the leads that it dispatches, many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import DateTime, Integer, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.ids import new_id
from services.intake import queries
from services.intake.domain import LeadStatus, followed
from services.intake.errors import LeadNotFound
from services.intake.queries import LeadStanding


@dataclass(frozen=True, slots=True)
class DispatchStep:
    """What routing's event `event_id` says has become of a lead; `version` orders the steps of one lead.

    `target` is None where it says nothing of the lead's status; `is_reopened` where nobody has the lead any more.
    """

    lead_id: UUID
    version: int
    event_id: UUID
    target: LeadStatus | None
    at: datetime
    reason_code: str | None = None
    is_reopened: bool = False


_STEP, _STEPS = TypeAdapter(DispatchStep), TypeAdapter(list[DispatchStep])


@dataclass(frozen=True, slots=True)
class _Change:
    step: DispatchStep
    before: LeadStatus
    after: LeadStatus


async def follow_dispatch(session: AsyncSession, steps: Sequence[DispatchStep]) -> None:
    """Moves leads as routing says, each in version order; what a lead's status cannot become leaves it as it is."""
    standings = await queries.standings_for_update(session, {step.lead_id for step in steps})
    changes: list[_Change] = []
    of_merged: list[DispatchStep] = []
    for step in sorted(steps, key=lambda step: step.version):
        standing = LeadNotFound.unless(
            standings.get(step.lead_id), "routing speaks of a lead that is not here", lead_id=step.lead_id
        )
        if step.version > standing.dispatch_version:
            changes.extend(_follow(standing, step))
            of_merged += [step] if standing.is_merged else []
    await session.execute(_UPDATE, _columns_of_leads(list(standings.values())))
    if changes:
        await session.execute(_INSERT, _columns_of_changes(changes))
    if of_merged:
        await session.execute(_REMEMBER, _columns_of_steps(of_merged))


def followed_all(standing: LeadStanding, kept: Sequence[object]) -> None:
    """What was said of a merged lead and did not move it moves it now, in order."""
    for step in sorted(_STEPS.validate_python(kept), key=lambda step: step.version):
        _follow(standing, step)


def _follow(standing: LeadStanding, step: DispatchStep) -> list[_Change]:
    standing.dispatch_version = step.version
    if step.target is LeadStatus.DELIVERED and standing.delivered_at is None:
        standing.delivered_at = step.at
    before, after = standing.status, followed(standing.status, step.target, is_reopened=step.is_reopened)
    if after is LeadStatus.EXCEPTION:
        standing.exception_reason = step.reason_code or standing.exception_reason
    elif after is not before:
        standing.exception_reason = None
    if after is before:
        return []
    standing.status, standing.status_since = after, step.at
    return [_Change(step, before, after)]


_UPDATE = text(
    """
    UPDATE leads
       SET status = moved.status, status_since = moved.status_since, dispatch_version = moved.dispatch_version,
           delivered_at = moved.delivered_at, exception_reason = moved.exception_reason
      FROM unnest(:ids, :statuses, :since, :versions, :delivered_at, :exception_reasons)
        AS moved (id, status, status_since, dispatch_version, delivered_at, exception_reason)
     WHERE leads.id = moved.id AND leads.dispatch_version < moved.dispatch_version
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("statuses", type_=ARRAY(Text)),
    bindparam("since", type_=ARRAY(DateTime(timezone=True))),
    bindparam("versions", type_=ARRAY(Integer)),
    bindparam("delivered_at", type_=ARRAY(DateTime(timezone=True))),
    bindparam("exception_reasons", type_=ARRAY(Text)),
)

_INSERT = text(
    """
    INSERT INTO lead_status_changes (id, lead_id, from_status, to_status, changed_at, reason_code, event_id)
    SELECT * FROM unnest(:ids, :lead_ids, :before, :after, :changed_at, :reason_codes, :event_ids)
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("lead_ids", type_=ARRAY(Uuid)),
    bindparam("before", type_=ARRAY(Text)),
    bindparam("after", type_=ARRAY(Text)),
    bindparam("changed_at", type_=ARRAY(DateTime(timezone=True))),
    bindparam("reason_codes", type_=ARRAY(Text)),
    bindparam("event_ids", type_=ARRAY(Uuid)),
)


# A merged lead stands where it was merged: what is said of it meanwhile counts once it is taken apart.
_REMEMBER = text(
    """
    UPDATE merges
       SET steps_meanwhile = steps_meanwhile || told.steps
      FROM (
        SELECT lead_id, jsonb_agg(step::jsonb) AS steps FROM unnest(:lead_ids, :steps) AS each (lead_id, step)
         GROUP BY lead_id
      ) AS told
     WHERE loser_id = told.lead_id AND unmerged_at IS NULL
    """
).bindparams(
    bindparam("lead_ids", type_=ARRAY(Uuid)),
    bindparam("steps", type_=ARRAY(Text)),
)


def _columns_of_steps(steps: list[DispatchStep]) -> dict[str, list[object]]:
    return {
        "lead_ids": [step.lead_id for step in steps],
        "steps": [_STEP.dump_json(step).decode() for step in steps],
    }


def _columns_of_leads(standings: list[LeadStanding]) -> dict[str, list[object]]:
    return {
        "ids": [standing.id for standing in standings],
        "statuses": [standing.status for standing in standings],
        "since": [standing.status_since for standing in standings],
        "versions": [standing.dispatch_version for standing in standings],
        "delivered_at": [standing.delivered_at for standing in standings],
        "exception_reasons": [standing.exception_reason for standing in standings],
    }


def _columns_of_changes(changes: list[_Change]) -> dict[str, list[object]]:
    return {
        "ids": [new_id() for _ in changes],
        "lead_ids": [change.step.lead_id for change in changes],
        "before": [change.before for change in changes],
        "after": [change.after for change in changes],
        "changed_at": [change.step.at for change in changes],
        "reason_codes": [change.step.reason_code for change in changes],
        "event_ids": [change.step.event_id for change in changes],
    }
