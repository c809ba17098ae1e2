"""Escalations as SQL: what is due, what is next, what was done. The rules are those of `domain/escalation.py`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, cast, exists, func, or_, select, true
from sqlalchemy import Text as SqlText
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.intake.domain import FollowUpState
from services.intake.domain.escalation import FINAL, WAITING, Ownership, StepAction, SubjectKind
from services.intake.errors import PolicyNotFound
from services.intake.models import Escalation, EscalationPolicy, EscalationStep, FollowUp, Lead, Merge
from services.intake.queries.families import members_of, who_goes_on

GOES_ON = aliased(Lead, name="goes_on")
"""Of a follow-up its lead, or the one that goes on for it where that was merged: what is done is done to this one."""
_STANDS: dict[SubjectKind, Any] = {SubjectKind.LEAD: Lead, SubjectKind.FOLLOW_UP: GOES_ON}
_UNMERGED_AT = select(func.max(Merge.unmerged_at)).where(Merge.loser_id == Lead.id).correlate(Lead).scalar_subquery()
"""A lead that was merged was nobody's to look at: taken apart, it is not flooded with what fell due meanwhile."""
SINCE: dict[SubjectKind, ColumnElement[datetime]] = {
    SubjectKind.LEAD: func.greatest(Lead.status_since, Lead.snoozed_until, _UNMERGED_AT),
    SubjectKind.FOLLOW_UP: func.greatest(FollowUp.due_at, GOES_ON.snoozed_until),
}
_AFTER = func.make_interval(0, 0, 0, 0, 0, EscalationStep.after_minutes)
_SUBJECT: dict[SubjectKind, Any] = {SubjectKind.LEAD: Lead.id, SubjectKind.FOLLOW_UP: FollowUp.id}
_OWNER: dict[SubjectKind, Any] = {SubjectKind.LEAD: Lead.owner_id, SubjectKind.FOLLOW_UP: FollowUp.owner_id}


_IS_WHO_GOES_ON = GOES_ON.id == func.coalesce(who_goes_on(Lead.id), Lead.id)


def _in(wanted: Any, found: Any) -> ColumnElement[bool]:
    """An empty set is no filter."""
    return or_(func.cardinality(wanted) == 0, cast(found, SqlText) == func.any(wanted))


def _matches(kind: SubjectKind) -> ColumnElement[bool]:
    policy, owner, lead = EscalationPolicy, _OWNER[kind], _STANDS[kind]
    return and_(
        policy.is_on,
        policy.subject == kind,
        _counts(kind),
        _in(policy.paths, lead.selected_path),
        _in(policy.services, lead.service),
        _in(policy.states, lead.state),
        or_(func.cardinality(policy.source_ids) == 0, lead.source_id == func.any(policy.source_ids)),
        or_(policy.ownership == Ownership.ANY, (policy.ownership == Ownership.OWNED) == owner.is_not(None)),
    )


def _counts(kind: SubjectKind) -> ColumnElement[bool]:
    """What was planned for a lead that is over is still nudged about, where no states are named."""
    status, wanted = _STANDS[kind].status, EscalationPolicy.statuses
    waits = and_(status.in_(WAITING), _in(wanted, status))
    if kind is SubjectKind.LEAD:
        return waits
    is_nudge = EscalationStep.action == StepAction.NUDGE
    return or_(waits, and_(status.in_(FINAL), func.cardinality(wanted) == 0, is_nudge))


def _is_ahead(kind: SubjectKind) -> ColumnElement[bool]:
    """Of the present episode, and neither done nor from before the policy was turned on."""
    done = exists().where(
        Escalation.policy_id == EscalationPolicy.id,
        Escalation.step_no == EscalationStep.step_no,
        Escalation.subject_kind == kind,
        Escalation.subject_id == _SUBJECT[kind],
        Escalation.since == SINCE[kind],
    )
    is_open = FollowUp.state == FollowUpState.OPEN if kind is SubjectKind.FOLLOW_UP else true()
    return and_(_matches(kind), is_open, due_at(kind) > EscalationPolicy.on_since, ~done)


def due_at(kind: SubjectKind) -> ColumnElement[datetime]:
    return SINCE[kind] + _AFTER


def steps_ahead(kind: SubjectKind) -> Select[Any]:
    """A row for each step that will be done, or is due: narrow it to leads, to a policy, to what is due."""
    lead = _STANDS[kind]
    query: Select[Any] = (
        select(
            EscalationPolicy.id.label("policy_id"),
            EscalationPolicy.name.label("policy_name"),
            EscalationStep.step_no,
            EscalationStep.action,
            EscalationStep.notify,
            EscalationStep.notify_id,
            EscalationStep.snooze_minutes,
            _SUBJECT[kind].label("subject_id"),
            lead.id.label("lead_id"),
            _OWNER[kind].label("owner_id"),
            SINCE[kind].label("since"),
            due_at(kind).label("due_at"),
            lead.service,
            lead.suburb,
            lead.state,
            lead.postcode,
        )
        .select_from(Lead)
        .join(EscalationPolicy, EscalationPolicy.subject == kind)
        .join(EscalationStep, EscalationStep.policy_id == EscalationPolicy.id)
    )
    if kind is SubjectKind.FOLLOW_UP:
        query = query.join(FollowUp, FollowUp.lead_id == Lead.id).join(GOES_ON, _IS_WHO_GOES_ON)
    return query.where(_is_ahead(kind))


def next_at(kind: SubjectKind) -> ColumnElement[Any]:
    """When something happens next by itself to the row's lead or follow-up: a column of their lists."""
    query = (
        select(func.min(due_at(kind)))
        .select_from(EscalationPolicy)
        .join(EscalationStep, EscalationStep.policy_id == EscalationPolicy.id)
        .where(_is_ahead(kind))
    )
    if kind is SubjectKind.FOLLOW_UP:
        return query.join(GOES_ON, _IS_WHO_GOES_ON).correlate(Lead, FollowUp).scalar_subquery()
    return query.correlate(Lead).scalar_subquery()


async def next_of(session: AsyncSession, kind: SubjectKind, subject_ids: Collection[UUID]) -> Mapping[UUID, datetime]:
    """When something happens next by itself to each of the leads or follow-ups; of the others nothing does."""
    query = select(_SUBJECT[kind], next_at(kind)).select_from(Lead)
    if kind is SubjectKind.FOLLOW_UP:
        query = query.join(FollowUp, FollowUp.lead_id == Lead.id)
    found = await session.execute(query.where(_SUBJECT[kind].in_(subject_ids)))
    return {subject_id: at for subject_id, at in found if at is not None}


async def policies_on(session: AsyncSession) -> Sequence[tuple[UUID, SubjectKind]]:
    query = select(EscalationPolicy.id, EscalationPolicy.subject).where(EscalationPolicy.is_on)
    return [(row.id, row.subject) for row in await session.execute(query.order_by(EscalationPolicy.id))]


async def lock_due_leads(
    session: AsyncSession, policy_id: UUID, kind: SubjectKind, now: datetime, after: UUID | None, limit: int
) -> Sequence[UUID]:
    """The next portion of leads, by id, of which a step of the policy is due."""
    due = steps_ahead(kind).where(EscalationPolicy.id == policy_id, due_at(kind) <= now).subquery()
    query = select(Lead.id).where(Lead.id.in_(select(due.c.lead_id))).order_by(Lead.id).limit(limit)
    if after is not None:
        query = query.where(Lead.id > after)
    return (await session.scalars(query.with_for_update())).all()


async def due_steps(
    session: AsyncSession, policy_id: UUID, kind: SubjectKind, now: datetime, lead_ids: Sequence[UUID]
) -> Sequence[Row[Any]]:
    """As steps stand under the leads' locks, each lead's in the order in which they fell due."""
    query = _of_leads(kind, lead_ids).where(EscalationPolicy.id == policy_id, due_at(kind) <= now)
    return list(await session.execute(query.order_by(_STANDS[kind].id, due_at(kind), EscalationStep.step_no)))


def _of_leads(kind: SubjectKind, lead_ids: Sequence[UUID]) -> Select[Any]:
    """With what was planned for leads that were merged into them."""
    query = steps_ahead(kind).where(_STANDS[kind].id.in_(lead_ids))
    return query.where(Lead.id.in_(members_of(*lead_ids))) if kind is SubjectKind.FOLLOW_UP else query


async def next_of_lead(session: AsyncSession, lead_id: UUID) -> Row[Any] | None:
    """What happens next by itself to the lead or to one of its follow-ups."""
    found = [
        row
        for kind in SubjectKind
        for row in await session.execute(
            _of_leads(kind, [lead_id]).order_by(due_at(kind), EscalationStep.step_no).limit(1)
        )
    ]
    return min(found, key=lambda row: row.due_at, default=None)


async def next_of_follow_up(session: AsyncSession, follow_up_id: UUID) -> Row[Any] | None:
    kind = SubjectKind.FOLLOW_UP
    query = steps_ahead(kind).where(FollowUp.id == follow_up_id).order_by(due_at(kind), EscalationStep.step_no)
    found: Row[Any] | None = (await session.execute(query.limit(1))).one_or_none()
    return found


async def escalations_of(session: AsyncSession, lead_id: UUID, limit: int = 100) -> Sequence[Escalation]:
    """What was done by itself about a lead and its follow-ups, the latest first."""
    query = select(Escalation).where(Escalation.lead_id == lead_id)
    query = query.order_by(Escalation.escalated_at.desc(), Escalation.step_no.desc()).limit(limit)
    return (await session.scalars(query)).all()


async def policy(session: AsyncSession, policy_id: UUID, *, for_update: bool = False) -> EscalationPolicy:
    found = await session.get(EscalationPolicy, policy_id, with_for_update=for_update or None, populate_existing=True)
    return PolicyNotFound.unless(found, "no such escalation policy", policy_id=policy_id)


async def list_policies(session: AsyncSession) -> Sequence[EscalationPolicy]:
    """All of them, by name: there are some dozens at most."""
    return (await session.scalars(select(EscalationPolicy).order_by(func.lower(EscalationPolicy.name)))).all()
