"""How policies are told: their scope and their steps, as sentences."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from chassis.console.wording import counted, words
from services.intake.domain.escalation import Notify, Ownership, Policy, Step, StepAction, SubjectKind

SUBJECTS: Mapping[str, str] = {SubjectKind.LEAD: "Leads", SubjectKind.FOLLOW_UP: "Follow-ups"}
OWNERSHIPS: Mapping[str, str] = {
    Ownership.ANY: "Whoever has it",
    Ownership.OWNED: "Somebody has it",
    Ownership.UNOWNED: "Nobody has it",
}
ACTIONS: Mapping[str, str] = {
    StepAction.NUDGE: "Nudge",
    StepAction.CRITICAL: "Mark critical",
    StepAction.SNOOZE: "Snooze",
}


def told_minutes(minutes: int) -> str:
    """As "45 min", "2 h" or "3 days": in the largest unit of which it is a whole number."""
    if minutes % 1_440 == 0:
        return counted(minutes // 1_440, "day", "days")
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def told_step(step: Step, names: Mapping[UUID, str]) -> str:
    match step.action:
        case StepAction.CRITICAL:
            return "Mark the lead critical"
        case StepAction.SNOOZE:
            return f"Snooze the lead for {told_minutes(step.snooze_minutes or 0)}, then count anew"
    match step.notify:
        case Notify.OWNER:
            return "Nudge the owner by mail; where nobody has it, the team"
        case Notify.TEAM:
            return "Nudge the team by mail"
    name = names.get(step.notify_id) if step.notify_id else None
    return f"Nudge {name or 'somebody who is not known here'} by mail"


def told_scope(policy: Policy, sources: Mapping[UUID, str]) -> str:
    """As "Leads with status exception or routable in NSW that nobody has"."""
    parts = [SUBJECTS[policy.subject] if policy.subject is SubjectKind.LEAD else "Follow-ups of leads"]
    if policy.statuses:
        parts.append(f"with status {_any(words(each).lower() for each in sorted(policy.statuses))}")
    if policy.paths:
        parts.append(f"by {_any(words(each).lower() for each in sorted(policy.paths))}")
    if policy.services:
        parts.append(f"for {_any(words(each).lower() for each in sorted(policy.services))}")
    if policy.states:
        parts.append(f"in {_any(sorted(policy.states))}")
    if policy.source_ids:
        parts.append(f"from {_any(sources.get(each, 'an unknown source') for each in sorted(policy.source_ids))}")
    if policy.ownership is not Ownership.ANY:
        parts.append("that nobody has" if policy.ownership is Ownership.UNOWNED else "that somebody has")
    return " ".join(parts)


def _any(told: Iterable[str]) -> str:
    names = list(told)
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
