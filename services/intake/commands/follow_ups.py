"""Follow-ups: planned, given to somebody, put off, done with an outcome, or cancelled. Each under its lead's lock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Actor, Subject
from chassis.errors import FieldError
from contracts.intake import LeadFollowUpChanged
from services.intake import queries
from services.intake.domain import (
    Channel,
    FollowUpAction,
    FollowUpOutcome,
    FollowUpState,
    obstacle_to_follow_up,
    obstacle_to_scheduling,
)
from services.intake.errors import DueTimeOver, FollowUpIdTaken, FollowUpOver, LeadOver
from services.intake.models import FollowUp, Lead

SUBJECT = "follow_up"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done. `id` is made by who plans it, so that a form that was sent twice plans it once."""

    id: UUID
    owner_id: UUID | None
    channel: Channel
    due_at: datetime
    note: str


async def schedule_follow_up(session: AsyncSession, lead_id: UUID, plan: Plan, by: Actor, now: datetime) -> FollowUp:
    """Planned twice under one id is planned once."""
    lead = await queries.lead(session, lead_id, for_update=True)
    known = await session.get(FollowUp, plan.id)
    if known is not None:
        if known.lead_id != lead_id:
            raise FollowUpIdTaken("another lead's follow-up has this id", follow_up_id=plan.id)
        return known
    if obstacle := obstacle_to_scheduling(lead.status):
        raise LeadOver(f"{obstacle}: nothing new is planned for it", lead_id=lead_id)
    return await _plan(session, lead, plan, by, now)


async def _plan(session: AsyncSession, lead: Lead, plan: Plan, by: Actor, now: datetime) -> FollowUp:
    _refuse_past(plan.due_at, now)
    owner = await queries.owner_for(session, plan.owner_id, by) if plan.owner_id else None
    follow_up = FollowUp(
        id=plan.id,
        lead_id=lead.id,
        owner_id=owner.id if owner else None,
        owner_name=owner.name if owner else None,
        channel=plan.channel,
        due_at=plan.due_at,
        note=plan.note,
        state=FollowUpState.OPEN,
        snoozes=0,
        created_at=now,
        created_by=by.name,
    )
    session.add(follow_up)
    _tell(session, lead, follow_up, now)
    after = {"channel": plan.channel, "due_at": plan.due_at, "owner": follow_up.owner_name}
    await _record(session, by, "schedule_follow_up", follow_up, now, after=after)
    return follow_up


@dataclass(frozen=True, slots=True)
class Reassign:
    """Without `owner_id` it is nobody's."""

    follow_up_id: UUID
    owner_id: UUID | None
    note: str | None
    by: Actor
    now: datetime


async def reassign_follow_up(session: AsyncSession, command: Reassign) -> FollowUp:
    lead, follow_up = await queries.follow_up_for_update(session, command.follow_up_id)
    if follow_up.owner_id == command.owner_id:
        return follow_up
    _refuse(FollowUpAction.REASSIGN, follow_up)
    owner = await queries.owner_for(session, command.owner_id, command.by) if command.owner_id else None
    await give(session, lead, follow_up, owner, command.by, command.now, note=command.note)
    return follow_up


async def give(
    session: AsyncSession,
    lead: Lead,
    follow_up: FollowUp,
    owner: queries.Owner | None,
    by: Actor,
    now: datetime,
    *,
    note: str | None = None,
    reason: str | None = None,
) -> None:
    """Whose it is, told and on record; `reason` is a word of ours, `note` the operator's own."""
    before = follow_up.owner_name
    follow_up.owner_id, follow_up.owner_name = (owner.id, owner.name) if owner else (None, None)
    _tell(session, lead, follow_up, now)
    await _record(
        session,
        by,
        "reassign_follow_up",
        follow_up,
        now,
        before={"owner": before},
        after={"owner": follow_up.owner_name},
        note=note,
        reason_code=reason,
    )


@dataclass(frozen=True, slots=True)
class Snooze:
    follow_up_id: UUID
    until: datetime
    note: str | None
    by: Actor
    now: datetime


async def snooze_follow_up(session: AsyncSession, command: Snooze) -> FollowUp:
    """It falls due anew, and its escalations with it. Put off twice to one time is put off once."""
    lead, follow_up = await queries.follow_up_for_update(session, command.follow_up_id)
    if follow_up.due_at == command.until and follow_up.state is FollowUpState.OPEN:
        return follow_up
    _refuse(FollowUpAction.SNOOZE, follow_up)
    _refuse_past(command.until, command.now, "until")
    before = follow_up.due_at
    follow_up.due_at, follow_up.snoozes = command.until, follow_up.snoozes + 1
    _tell(session, lead, follow_up, command.now)
    await _record(
        session,
        command.by,
        "snooze_follow_up",
        follow_up,
        command.now,
        before={"due_at": before},
        after={"due_at": command.until},
        note=command.note,
    )
    return follow_up


@dataclass(frozen=True, slots=True)
class Complete:
    """`following` is what is planned next in the same deed."""

    follow_up_id: UUID
    outcome: FollowUpOutcome
    note: str | None
    following: Plan | None
    by: Actor
    now: datetime


async def complete_follow_up(session: AsyncSession, command: Complete) -> FollowUp:
    """The first that is done is the first contact that was attempted. Done twice is done once, as the first said.

    Where its lead was merged into another, what is planned next is that one's.
    """
    lead, follow_up, survivor = await queries.follow_up_and_survivor_for_update(session, command.follow_up_id)
    if follow_up.state is FollowUpState.DONE:
        return follow_up
    _refuse(FollowUpAction.COMPLETE, follow_up)
    follow_up.outcome, follow_up.outcome_note = command.outcome, command.note
    _end(follow_up, FollowUpState.DONE, command.by, command.now)
    lead.first_contact_at = lead.first_contact_at or command.now
    _tell(session, lead, follow_up, command.now)
    after = {"state": FollowUpState.DONE, "outcome": command.outcome}
    await _record(
        session,
        command.by,
        "complete_follow_up",
        follow_up,
        command.now,
        before=_WAS_OPEN,
        after=after,
        note=command.note,
    )
    if command.following is not None:
        if obstacle := obstacle_to_scheduling(survivor.status):
            raise LeadOver(f"{obstacle}: nothing new is planned for it", lead_id=survivor.id)
        await _plan(session, survivor, command.following, command.by, command.now)
    return follow_up


@dataclass(frozen=True, slots=True)
class Cancel:
    follow_up_id: UUID
    note: str | None
    by: Actor
    now: datetime


async def cancel_follow_up(session: AsyncSession, command: Cancel) -> FollowUp:
    lead, follow_up = await queries.follow_up_for_update(session, command.follow_up_id)
    if follow_up.state is FollowUpState.CANCELLED:
        return follow_up
    _refuse(FollowUpAction.CANCEL, follow_up)
    _end(follow_up, FollowUpState.CANCELLED, command.by, command.now)
    _tell(session, lead, follow_up, command.now)
    after = {"state": FollowUpState.CANCELLED}
    await _record(
        session,
        command.by,
        "cancel_follow_up",
        follow_up,
        command.now,
        before=_WAS_OPEN,
        after=after,
        note=command.note,
    )
    return follow_up


async def cancel_open(session: AsyncSession, leads: Sequence[Lead], reason_code: str, by: Actor, now: datetime) -> None:
    """What was planned for them, as there is nobody to do it for. The leads are locked."""
    of = {lead.id: lead for lead in leads}
    for follow_up in await queries.open_follow_ups(session, of):
        _end(follow_up, FollowUpState.CANCELLED, by, now)
        _tell(session, of[follow_up.lead_id], follow_up, now)
        after = {"state": FollowUpState.CANCELLED}
        await _record(
            session, by, "cancel_follow_up", follow_up, now, before=_WAS_OPEN, after=after, reason_code=reason_code
        )


_WAS_OPEN = {"state": FollowUpState.OPEN}
"""Nothing else is ended."""


def _end(follow_up: FollowUp, state: FollowUpState, by: Actor, now: datetime) -> None:
    follow_up.state, follow_up.done_at, follow_up.done_by = state, now, by.name


def _refuse(action: FollowUpAction, follow_up: FollowUp) -> None:
    if obstacle := obstacle_to_follow_up(action, follow_up.state):
        raise FollowUpOver(f"{obstacle}, and stays so", follow_up_id=follow_up.id)


def _refuse_past(at: datetime, now: datetime, field: str = "due_at") -> None:
    if at <= now:
        fault = FieldError(field, "in_the_past", "The time has to come yet")
        raise DueTimeOver("the time is over already", errors=(fault,))


def _tell(session: AsyncSession, lead: Lead, follow_up: FollowUp, now: datetime) -> None:
    event = LeadFollowUpChanged(
        lead_id=lead.id,
        follow_up_id=follow_up.id,
        state=follow_up.state,
        owner_id=follow_up.owner_id,
        channel=follow_up.channel,
        due_at=follow_up.due_at,
        outcome=follow_up.outcome,
        changed_at=now,
    )
    outbox.add(session, event, version=lead.next_deed())


async def _record(
    session: AsyncSession,
    by: Actor,
    action: str,
    follow_up: FollowUp,
    now: datetime,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any],
    note: str | None = None,
    reason_code: str | None = None,
) -> None:
    await audit.record(
        session,
        actor=by,
        action=action,
        subject=Subject(SUBJECT, follow_up.id),
        before=before,
        after={**after, "at": now},
        reason_code=reason_code,
        reason_text=note,
    )
