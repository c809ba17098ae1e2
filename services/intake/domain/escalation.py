"""Escalation: what is done by itself about a lead or a follow-up that has waited for so long.

The same rules stand as SQL in `queries/escalations.py`; a property holds one against the other.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from contracts.values import AustralianState, SelectedPath
from services.intake.domain.leads import LeadStatus
from services.intake.domain.obstacles import Obstacle

MOST_STEPS = 5
LONGEST_MINUTES = 90 * 24 * 60
SHORTEST_SNOOZE_MINUTES = 15


class SubjectKind(StrEnum):
    LEAD = "lead"
    FOLLOW_UP = "follow_up"


class StepAction(StrEnum):
    """A nudge mails people; the others mark the lead."""

    NUDGE = "nudge"
    CRITICAL = "critical"
    SNOOZE = "snooze"


class Notify(StrEnum):
    """Whom a nudge reaches. Where nobody owns it, the owner's nudge goes to the team."""

    OWNER = "owner"
    TEAM = "team"
    OPERATOR = "operator"


class AttentionDeed(StrEnum):
    """What an operator does about a lead's escalations by hand."""

    SNOOZE = "snooze"
    LIFT = "lift_critical"


class Ownership(StrEnum):
    ANY = "any"
    OWNED = "owned"
    UNOWNED = "unowned"


WAITING = (
    LeadStatus.DUPLICATE_REVIEW,
    LeadStatus.ROUTABLE,
    LeadStatus.DISPATCHING,
    LeadStatus.EXCEPTION,
    LeadStatus.DELIVERED,
)
"""The states in which a lead can be escalated: what is only being taken in, or is over, never is."""
FINAL = tuple(status for status in LeadStatus if status.is_final)


_FINAL = {LeadStatus.REJECTED: Obstacle.REJECTED, LeadStatus.CLOSED: Obstacle.CLOSED}


def obstacle_to_attention(deed: AttentionDeed, status: LeadStatus, *, is_critical: bool) -> Obstacle | None:
    if status in _FINAL:
        return _FINAL[status]
    return Obstacle.NOT_CRITICAL if deed is AttentionDeed.LIFT and not is_critical else None


@dataclass(frozen=True, slots=True)
class Step:
    after_minutes: int
    action: StepAction
    notify: Notify | None = None
    notify_id: UUID | None = None
    snooze_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """For which subjects, and what happens after how long; steps are numbered from 1. An empty set is no filter.

    Only what falls due after `on_since` is done: who turns a policy on is not flooded with what has waited for weeks.
    """

    subject: SubjectKind
    steps: tuple[Step, ...]
    on_since: datetime | None = None
    statuses: frozenset[LeadStatus] = frozenset()
    paths: frozenset[SelectedPath] = frozenset()
    services: frozenset[str] = frozenset()
    states: frozenset[AustralianState] = frozenset()
    source_ids: frozenset[UUID] = frozenset()
    ownership: Ownership = Ownership.ANY


@dataclass(frozen=True, slots=True)
class Standing:
    """A lead, or a follow-up with its lead, as the rules see it.

    `waits_since` is when the lead's state began, or a merge of it was taken apart since, or when the follow-up was due.
    `is_owned` is of the lead or of the follow-up, whichever the policy is about; what is snoozed is the lead.
    """

    status: LeadStatus
    path: SelectedPath
    service: str
    state: AustralianState
    source_id: UUID
    is_owned: bool
    waits_since: datetime
    snoozed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A step of an episode: it falls due at `at`, once for `since`."""

    step_no: int
    step: Step
    since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in which a subject stood as it did; None where it still does."""

    standing: Standing
    ended_at: datetime | None = None
    subject_id: UUID | None = None
    lead_id: UUID | None = None


def matches(policy: Policy, standing: Standing) -> bool:
    return (
        _counts(policy, standing.status)
        and _holds(policy.paths, standing.path)
        and _holds(policy.services, standing.service)
        and _holds(policy.states, standing.state)
        and _holds(policy.source_ids, standing.source_id)
        and (policy.ownership is Ownership.ANY or standing.is_owned is (policy.ownership is Ownership.OWNED))
    )


def _counts(policy: Policy, status: LeadStatus) -> bool:
    """What was planned stays open when its lead is over: without a filter of states it counts all the same."""
    is_planned_for_what_is_over = policy.subject is SubjectKind.FOLLOW_UP and status.is_final and not policy.statuses
    return is_planned_for_what_is_over or (status in WAITING and _holds(policy.statuses, status))


def _is_done_at(step: Step, status: LeadStatus) -> bool:
    """To a lead that is over nothing is done; who planned something for it is nudged to end that."""
    return step.action is StepAction.NUDGE or not status.is_final


def _holds(wanted: Collection[object], found: object) -> bool:
    return not wanted or found in wanted


def since_of(standing: Standing) -> datetime:
    """From when on it counts: after a snooze the clock starts anew."""
    return max(standing.waits_since, standing.snoozed_until or standing.waits_since)


def steps_ahead(policy: Policy, standing: Standing, fired: Collection[tuple[int, datetime]] = ()) -> tuple[Due, ...]:
    """Of the present episode, what is not done yet and will be, or is due. `fired`: step number and episode of each."""
    if policy.on_since is None or not matches(policy, standing):
        return ()
    since = since_of(standing)
    numbered = [each for each in enumerate(policy.steps, start=1) if _is_done_at(each[1], standing.status)]
    dues = (Due(number, step, since, since + timedelta(minutes=step.after_minutes)) for number, step in numbered)
    return tuple(due for due in dues if due.at > policy.on_since and (due.step_no, since) not in fired)


def due_steps(
    policy: Policy, standing: Standing, fired: Collection[tuple[int, datetime]], now: datetime
) -> tuple[Due, ...]:
    return tuple(due for due in steps_ahead(policy, standing, fired) if due.at <= now)


def next_step(
    policies: Iterable[Policy], standing: Standing, fired: Collection[tuple[int, datetime]] = ()
) -> Due | None:
    """What happens next by itself, if everything stays as it is; due already where the next run is about to do it."""
    ahead = [due for policy in policies for due in steps_ahead(policy, standing, fired)]
    return min(ahead, key=lambda due: due.at, default=None)


def replay(
    policy: Policy, episodes: Iterable[Episode], first: datetime, now: datetime
) -> Iterator[tuple[Episode, Due]]:
    """What the policy would have done from `first` to `now`, had it been turned on then."""
    turned_on = replace(policy, on_since=first)
    for episode in episodes:
        ends = min(episode.ended_at or now + timedelta.resolution, now + timedelta.resolution)
        yield from ((episode, due) for due in _replayed(turned_on, episode.standing, ends))


def _replayed(policy: Policy, standing: Standing, ends: datetime) -> Iterator[Due]:
    """A snooze of its own begins the next round."""
    snoozed: Standing | None = standing
    while snoozed is not None:
        rounds, snoozed = steps_ahead(policy, snoozed), None
        for due in rounds:
            if due.at >= ends:
                return
            yield due
            if due.step.action is StepAction.SNOOZE:
                until = due.at + timedelta(minutes=due.step.snooze_minutes or SHORTEST_SNOOZE_MINUTES)
                snoozed = replace(standing, snoozed_until=until)


class StepFault(StrEnum):
    """What is wrong with a policy's steps, as a sentence."""

    NONE = "A policy has a step at least"
    TOO_MANY = f"A policy has {MOST_STEPS} steps at most"
    NOT_ASCENDING = "Each step comes later than the one before"
    AFTER_SNOOZE = "A snooze comes last: after it the clock starts anew"
    NOBODY_NAMED = "A nudge says whom it reaches"
    NO_OPERATOR = "Choose the operator whom it reaches"
    NO_LENGTH = "A snooze says for how long"


def fault_of(steps: Collection[Step]) -> StepFault | None:
    told = list(steps)
    if not told:
        return StepFault.NONE
    if len(told) > MOST_STEPS:
        return StepFault.TOO_MANY
    if any(later.after_minutes <= step.after_minutes for step, later in pairwise(told)):
        return StepFault.NOT_ASCENDING
    if any(step.action is StepAction.SNOOZE for step in told[:-1]):
        return StepFault.AFTER_SNOOZE
    return next((fault for step in told if (fault := _fault_of_one(step))), None)


def _fault_of_one(step: Step) -> StepFault | None:
    if step.action is StepAction.NUDGE and step.notify is None:
        return StepFault.NOBODY_NAMED
    if step.notify is Notify.OPERATOR and step.notify_id is None:
        return StepFault.NO_OPERATOR
    return StepFault.NO_LENGTH if step.action is StepAction.SNOOZE and step.snooze_minutes is None else None
