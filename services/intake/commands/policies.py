"""Escalation policies as people write them: made, changed, turned on and off."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.constraints import flush_or_refuse
from chassis.errors import FieldError
from services.intake import queries
from services.intake.commands.telling import ChangedPolicy, tell_policy
from services.intake.domain.escalation import Policy, Step, fault_of
from services.intake.errors import PolicyNameTaken, StepsInvalid
from services.intake.models import EscalationPolicy, EscalationStep

SUBJECT = "escalation_policy"


@dataclass(frozen=True, slots=True)
class PolicyDraft:
    """`rules.on_since` is not read: whether it is on is a deed of its own."""

    name: str
    rules: Policy


async def create_policy(
    session: AsyncSession, policy_id: UUID, draft: PolicyDraft, by: Actor, now: datetime, reason: str | None = None
) -> EscalationPolicy:
    """Turned off at first, so that it can be looked at. Made twice under one id it is made once."""
    known = await session.get(EscalationPolicy, policy_id)
    if known is not None:
        return known
    check_steps(draft.rules)
    made = EscalationPolicy(id=policy_id, is_on=False, on_since=None)
    _write(made, draft, by, now)
    session.add(made)
    await _flush(session)
    after = {"name": made.name, **told(draft.rules)}
    await _record(session, by, "create_escalation_policy", made, after=after, reason=reason)
    return made


async def change_policy(
    session: AsyncSession, policy_id: UUID, draft: PolicyDraft, reason: str | None, by: Actor, now: datetime
) -> EscalationPolicy:
    """One that is on counts from now: what the new steps would have done earlier is not done afterwards."""
    policy = await queries.policy(session, policy_id, for_update=True)
    check_steps(draft.rules)
    before: dict[str, Any] = {"name": policy.name, **told(policy.rules)}
    after: dict[str, Any] = {"name": draft.name, **told(draft.rules)}
    if before == after:
        return policy
    policy.steps.clear()
    await session.flush()
    _write(policy, draft, by, now)
    policy.on_since = now if policy.is_on else None
    await _flush(session)
    await _record(session, by, "change_escalation_policy", policy, before=before, after=after, reason=reason)
    return policy


async def turn_policy(
    session: AsyncSession, policy_id: UUID, *, is_on: bool, reason: str | None, by: Actor, now: datetime
) -> EscalationPolicy:
    """Turned on, it does what falls due from now on, and nothing that has waited before. Twice is once."""
    policy = await queries.policy(session, policy_id, for_update=True)
    if policy.is_on == is_on:
        return policy
    policy.is_on, policy.on_since = is_on, now if is_on else None
    policy.changed_at, policy.changed_by = now, by.name
    action = "turn_on_escalation_policy" if is_on else "turn_off_escalation_policy"
    await _record(session, by, action, policy, before={"is_on": not is_on}, after={"is_on": is_on}, reason=reason)
    return policy


def check_steps(rules: Policy) -> None:
    if fault := fault_of(rules.steps):
        raise StepsInvalid(str(fault), errors=(FieldError("steps", fault.name.lower(), str(fault)),))


def _write(policy: EscalationPolicy, draft: PolicyDraft, by: Actor, now: datetime) -> None:
    rules = draft.rules
    policy.name, policy.subject, policy.ownership = draft.name, rules.subject, rules.ownership
    policy.statuses = sorted(rules.statuses)
    policy.paths = sorted(rules.paths)
    policy.services = sorted(rules.services)
    policy.states = sorted(rules.states)
    policy.source_ids = sorted(rules.source_ids)
    policy.changed_at, policy.changed_by = now, by.name
    policy.steps = [_row(number, step) for number, step in enumerate(rules.steps, start=1)]


def _row(number: int, step: Step) -> EscalationStep:
    return EscalationStep(
        step_no=number,
        after_minutes=step.after_minutes,
        action=step.action,
        notify=step.notify,
        notify_id=step.notify_id,
        snooze_minutes=step.snooze_minutes,
    )


def told(rules: Policy) -> dict[str, Any]:
    """As the audit keeps it."""
    return {
        "subject": rules.subject,
        "statuses": sorted(rules.statuses),
        "paths": sorted(rules.paths),
        "services": sorted(rules.services),
        "states": sorted(rules.states),
        "source_ids": [str(each) for each in sorted(rules.source_ids)],
        "ownership": rules.ownership,
        "steps": [_told_step(step) for step in rules.steps],
    }


def _told_step(step: Step) -> str:
    told = f"after {step.after_minutes} min {step.action}"
    if step.notify is not None:
        return f"{told} {step.notify}{f' {step.notify_id}' if step.notify_id else ''}"
    return f"{told} {step.snooze_minutes} min" if step.snooze_minutes else told


async def _flush(session: AsyncSession) -> None:
    taken = PolicyNameTaken("there is an escalation policy of this name already")
    await flush_or_refuse(session, {"uq_escalation_policies_name": taken})


async def _record(
    session: AsyncSession,
    by: Actor,
    action: str,
    policy: EscalationPolicy,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any],
    reason: str | None = None,
) -> None:
    changed = ChangedPolicy(str(policy.id), SUBJECT, policy.next_version(), policy.name)
    tell_policy(session, changed, before or {}, after, by, policy.changed_at)
    await audit.record(
        session,
        actor=by,
        action=action,
        subject=Subject(SUBJECT, policy.id),
        before=before,
        after={**after, "at": policy.changed_at},
        reason_text=reason,
    )
