"""What a policy would have done, from the steps that leads went and the follow-ups that were planned."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import AustralianState, SelectedPath
from services.intake.domain import LeadStatus
from services.intake.domain.escalation import FINAL, WAITING, Episode, Policy, Standing, SubjectKind, replay
from services.intake.models import Lead
from services.intake.queries.leads import NAME

DRY_RUN = timedelta(days=30)
MOST_TOLD = 50
EPISODES_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Firing:
    """A step as it would have been done; `lead_name` is the person's."""

    at: datetime
    step_no: int
    lead_id: UUID
    subject_id: UUID
    lead_name: str = ""


@dataclass(slots=True)
class DryRun:
    """Numbers of all that would have been done, and the first of it. Days are those of the business zone."""

    first: datetime
    now: datetime
    by_step: list[int]
    by_day: Counter[date] = field(default_factory=Counter)
    leads: set[UUID] = field(default_factory=set)
    told: list[Firing] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.by_step)


async def dry_run(session: AsyncSession, policy: Policy, now: datetime, zone: ZoneInfo) -> DryRun:
    """Over the last 30 days, as if it had been turned on at their beginning.

    Owners are those of today, and a follow-up's due time is its last one: what they were is nowhere kept. What was
    planned for a lead that was merged is of the one that goes on today.
    """
    run = DryRun(now - DRY_RUN, now, [0] * len(policy.steps))
    firings: list[Firing] = []
    async for episode in _episodes(session, policy, run.first, now):
        for _, due in replay(policy, [episode], run.first, now):
            assert episode.lead_id is not None  # noqa: S101  # as `_episodes` reads them
            assert episode.subject_id is not None  # noqa: S101
            run.by_step[due.step_no - 1] += 1
            run.by_day[due.at.astimezone(zone).date()] += 1
            run.leads.add(episode.lead_id)
            firings.append(Firing(due.at, due.step_no, episode.lead_id, episode.subject_id))
        if len(firings) > EPISODES_AT_ONCE:
            firings = _earliest(firings)
    run.told = await _named(session, _earliest(firings))
    return run


def _earliest(firings: list[Firing]) -> list[Firing]:
    return sorted(firings, key=lambda each: (each.at, each.step_no, each.subject_id))[:MOST_TOLD]


async def _named(session: AsyncSession, firings: Sequence[Firing]) -> list[Firing]:
    query = select(Lead.id, NAME.label("name")).where(Lead.id.in_({each.lead_id for each in firings}))
    names = {row.id: row.name for row in await session.execute(query)}
    return [
        Firing(each.at, each.step_no, each.lead_id, each.subject_id, names.get(each.lead_id, "")) for each in firings
    ]


_ANY = {SubjectKind.LEAD: WAITING, SubjectKind.FOLLOW_UP: (*WAITING, *FINAL)}
"""The rules say what of it counts."""


async def _episodes(session: AsyncSession, policy: Policy, first: datetime, now: datetime) -> AsyncIterator[Episode]:
    """Those that are long enough for the first step, and were going on in the time."""
    given = {
        "first": first,
        "now": now,
        "statuses": [str(each) for each in policy.statuses or _ANY[policy.subject]],
        "shortest": timedelta(minutes=min((step.after_minutes for step in policy.steps), default=0)),
    }
    query = _OF_LEADS if policy.subject is SubjectKind.LEAD else _OF_FOLLOW_UPS
    async for row in await session.stream(query, given, execution_options={"yield_per": EPISODES_AT_ONCE}):
        standing = Standing(
            LeadStatus(row.status),
            SelectedPath(row.selected_path),
            row.service,
            AustralianState(row.state),
            row.source_id,
            row.owner_id is not None,
            row.begun_at,
            row.snoozed_until,
        )
        yield Episode(standing, row.ended_at, row.subject_id, row.lead_id)


_OF_LEADS = text(
    """
    WITH touched AS (
        SELECT lead_id FROM lead_status_changes WHERE changed_at > :first
         UNION SELECT id FROM leads WHERE status = ANY (:statuses)
    ), stages AS (
        SELECT lead_id, to_status AS status, changed_at AS begun_at,
               lead(changed_at) OVER (PARTITION BY lead_id ORDER BY id) AS ended_at
          FROM lead_status_changes WHERE lead_id IN (SELECT lead_id FROM touched)
    )
    SELECT s.lead_id, s.lead_id AS subject_id, s.status, s.begun_at, s.ended_at, l.selected_path, l.service, l.state,
           l.source_id, l.owner_id, CASE WHEN s.ended_at IS NULL THEN l.snoozed_until END AS snoozed_until
      FROM stages s JOIN leads l ON l.id = s.lead_id
     WHERE s.status = ANY (:statuses) AND coalesce(s.ended_at, :now) > :first AND s.begun_at <= :now
       AND coalesce(s.ended_at, :now) - s.begun_at >= :shortest
    """
).bindparams(bindparam("statuses", type_=ARRAY(Text)))

_OF_FOLLOW_UPS = text(
    """
    SELECT l.id AS lead_id, f.id AS subject_id, l.status, f.due_at AS begun_at, f.done_at AS ended_at, l.selected_path,
           l.service, l.state, l.source_id, f.owner_id,
           CASE WHEN f.done_at IS NULL THEN l.snoozed_until END AS snoozed_until
      FROM follow_ups f
      JOIN leads own ON own.id = f.lead_id
      JOIN leads l ON l.id = CASE WHEN own.merged_into IS NULL THEN own.id ELSE (
            WITH RECURSIVE way AS (
                SELECT id, merged_into FROM leads WHERE id = own.merged_into
                 UNION ALL
                SELECT further.id, further.merged_into FROM way JOIN leads further ON further.id = way.merged_into
            )
            SELECT id FROM way WHERE merged_into IS NULL
           ) END
     WHERE l.status = ANY (:statuses) AND coalesce(f.done_at, :now) > :first AND f.due_at <= :now
       AND coalesce(f.done_at, :now) - f.due_at >= :shortest
    """
).bindparams(bindparam("statuses", type_=ARRAY(Text)))
