"""Attempts at dispatching leads: many at once from the topic, one at a time from an operator, by the same rules.

The candidates of all are loaded and their counters locked in a fixed number of statements. Then every lead is decided
in memory, one after the other, and each sees what those before it took. Of a large batch the decisions of one portion
are written while the next is being decided: either takes about as long.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import count
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor
from chassis.causation import Cause
from chassis.ids import new_id
from contracts.values import Location
from services.routing.commands.queueing import Raising
from services.routing.domain.candidate import NO_HISTORY, Candidate, History, Place
from services.routing.domain.decision import Decision, Request, Shortfall, carry_out, decide
from services.routing.domain.eligibility import Rule, Verdict
from services.routing.domain.inputs import Inputs
from services.routing.domain.person import Person
from services.routing.domain.record import record_of
from services.routing.domain.standing import Considered, Standing
from services.routing.domain.states import AssignmentStatus, ExceptionReason, Trigger
from services.routing.domain.waiting import is_held_by_pace, passes_at, reason_of
from services.routing.models import Assignment, Dispatch
from services.routing.queries.candidates import Territories, standings, territories
from services.routing.queries.links import Declared, Persons, policy_and_persons

PORTION = 50
"""So many leads are concluded at once: few, as nothing is decided beside the last of them."""


def free_shares_of(dispatch: Dispatch, earlier: Sequence[Assignment]) -> list[int]:
    """The numbers of the shares that no installer holds, lowest first."""
    held = {assignment.share_no for assignment in earlier if assignment.status.is_live}
    return [share for share in range(1, dispatch.shares_wanted + 1) if share not in held]


@dataclass(frozen=True)
class Attempt:
    """A lead to be dispatched now. `named` are the installers of an operator's choice; without, all that cover it.

    `earlier` are all assignments that the lead has had.
    """

    dispatch: Dispatch
    contact: Person
    trigger: Trigger
    cause: Cause | None = None
    earlier: Sequence[Assignment] = ()
    named: tuple[UUID, ...] | None = None
    waived: frozenset[Rule] = frozenset()
    by: Actor | None = None
    reason: str | None = None
    overrides_caps: bool = False

    @cached_property
    def location(self) -> Location:
        return self.dispatch.location

    @cached_property
    def place(self) -> Place:
        return Place(self.dispatch.postcode, self.dispatch.state)

    @cached_property
    def free_shares(self) -> list[int]:
        return free_shares_of(self.dispatch, self.earlier)

    @property
    def wanted_count(self) -> int:
        return len(self.free_shares) if self.named is None else len(self.named)

    def request(self, declared: Declared, now: datetime) -> Request:
        return Request(
            lead_id=self.dispatch.lead_id,
            service=self.dispatch.service,
            location=self.location,
            wanted_count=self.wanted_count,
            decided_at=now,
            trigger=self.trigger,
            policy=declared.policy,
            policy_version=declared.version,
            waived=self.waived,
        )

    def histories(self, same_person: Counter[UUID]) -> dict[UUID, History]:
        """Of the installers that have had the lead, or the same person's others."""
        had: dict[UUID, list[AssignmentStatus]] = {id_: [] for id_ in same_person}
        for assignment in self.earlier:
            had.setdefault(assignment.installer_id, []).append(assignment.status)
        return {id_: History.of(statuses, same_person[id_]) for id_, statuses in had.items()}


class Share(NamedTuple):
    """A share of a lead and who gets it."""

    assignment_id: UUID
    number: int
    candidate: Candidate


class Waiting(NamedTuple):
    """Of a lead that nobody was chosen for: why, when that passes by itself, and whether only the pace holds it."""

    reason: ExceptionReason
    passes_at: datetime | None
    is_held_by_pace: bool

    @classmethod
    def of(cls, decision: Decision) -> "Waiting":
        told = decision.assessments
        return cls(reason_of(told), passes_at(told), is_held_by_pace(told))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to. The texts are made at once: a batch would otherwise hold every verdict in memory.

    The three tuples tell in short of each candidate. `refusals` are what is in the way of installers that were named.
    """

    attempt: Attempt
    decision_id: UUID
    shares: list[Share]
    candidate_ids: tuple[UUID, ...]
    outcomes: tuple[str, ...]
    entitled_ppm: tuple[int, ...]
    shortfall: Shortfall | None
    summary: str
    inputs: str
    record: str
    refusals: list[tuple[UUID, Verdict]]
    waiting: Waiting | None

    @classmethod
    def of(cls, attempt: Attempt, inputs: Inputs, decision: Decision) -> "Outcome":
        told = decision.assessments
        return cls(
            attempt=attempt,
            decision_id=new_id(),
            shares=[
                Share(new_id(), number, standing.candidate)
                for number, standing in zip(attempt.free_shares, decision.chosen, strict=False)
            ],
            candidate_ids=tuple([assessment.standing.candidate.id for assessment in told]),
            outcomes=tuple([assessment.outcome for assessment in told]),
            entitled_ppm=tuple([assessment.entitled_ppm for assessment in told]),
            shortfall=decision.shortfall,
            summary=decision.summary,
            inputs=inputs.to_text(),
            record=record_of(decision),
            refusals=[] if attempt.named is None else decision.refusals,
            waiting=None if decision.chosen else Waiting.of(decision),
        )

    @property
    def candidates_count(self) -> int:
        return len(self.candidate_ids)

    @property
    def raising(self) -> Raising | None:
        """Where nobody was chosen, an operator has to."""
        if self.waiting is None:
            return None
        return Raising(
            self.attempt.dispatch,
            self.waiting.reason,
            self.summary,
            cause=self.attempt.cause,
            passes_at=self.waiting.passes_at,
        )


class Taken(NamedTuple):
    """How many leads each installer was given, and the counters that this moved, not yet written."""

    given: Counter[UUID]
    standings: Mapping[UUID, Standing]


class Decided(NamedTuple):
    """The outcomes of a batch, in its order, and what they took."""

    outcomes: list[Outcome]
    taken: Taken


class Ground(NamedTuple):
    """What a batch is decided on: who covers which place, how each stands, by which policy, whose leads these are."""

    covering: Territories
    standings: Mapping[UUID, Standing]
    declared: Declared
    persons: Persons

    def considered(self, attempt: Attempt) -> list[Considered]:
        """In id order, as standings and territories are."""
        coverage = self.covering[attempt.place]
        histories = attempt.histories(self.persons.had_by(attempt.dispatch.lead_id))
        ids = coverage if attempt.named is None else sorted(attempt.named)
        return [Considered(self.standings[id_], coverage.get(id_), histories.get(id_, NO_HISTORY)) for id_ in ids]


async def decide_all(session: AsyncSession, attempts: Sequence[Attempt], now: datetime) -> Decided:
    """Loads the candidates of all, locks their counters, and decides lead by lead."""
    if not attempts:
        return Decided([], Taken(Counter(), {}))
    ground = await _ground(session, attempts, now)
    turns = count(1)
    outcomes = [_decide(attempt, ground, now, turns) for attempt in attempts]
    return Decided(outcomes, Taken(_given(outcomes), ground.standings))


async def look_at_all(session: AsyncSession, attempts: Sequence[Attempt], now: datetime) -> list[Outcome]:
    """What deciding all of them would come to, for who only looks: nothing is locked, and none of it is written."""
    if not attempts:
        return []
    ground, turns, outcomes = await _ground(session, attempts, now, only_looks=True), count(1), []
    for attempt in attempts:
        outcomes.append(_decide(attempt, ground, now, turns))
        await asyncio.sleep(0)  # so that others are answered meanwhile
    return outcomes


Conclude = Callable[[Sequence[Outcome]], Awaitable[None]]


async def decide_and_conclude(
    session: AsyncSession, attempts: Sequence[Attempt], now: datetime, conclude: Conclude
) -> Taken:
    """The same, and has each portion concluded while the next is decided: `conclude` alone uses the session then.

    A fault of either ends both before it is raised.
    """
    if not attempts:
        return Taken(Counter(), {})
    ground = await _ground(session, attempts, now)
    taken = Taken(Counter(), ground.standings)
    turns = count(1)
    under_way: asyncio.Future[None] | None = None
    try:
        for first in range(0, len(attempts), PORTION):
            outcomes: list[Outcome] = []
            for attempt in attempts[first : first + PORTION]:
                outcomes.append(_decide(attempt, ground, now, turns))
                await asyncio.sleep(0)  # so that what is under way goes on
            taken.given.update(_given(outcomes))
            if under_way is not None:
                await under_way
            under_way = asyncio.ensure_future(conclude(outcomes))
        if under_way is not None:
            await under_way
    except BaseException as fault:
        if under_way is not None:
            if not isinstance(fault, Exception):
                under_way.cancel()
            await asyncio.gather(under_way, return_exceptions=True)
        raise
    return taken


def _given(outcomes: Sequence[Outcome]) -> Counter[UUID]:
    return Counter(share.candidate.id for outcome in outcomes for share in outcome.shares)


async def _ground(
    session: AsyncSession, attempts: Sequence[Attempt], now: datetime, *, only_looks: bool = False
) -> Ground:
    """The standings lock the counters; what is read after that nobody else moves."""
    covering = await territories(session, [attempt.location for attempt in attempts])
    covered = {id_ for attempt in attempts if attempt.named is None for id_ in covering[attempt.place]}
    named = {id_ for attempt in attempts for id_ in attempt.named or ()}
    waited = any(attempt.trigger is Trigger.SCHEDULED for attempt in attempts)
    stand = await standings(session, covered | named, now, with_backlog=waited, only_looks=only_looks)
    leads = [(attempt.dispatch.lead_id, attempt.dispatch.service) for attempt in attempts]
    return Ground(covering, stand, *await policy_and_persons(session, leads, now))


def _decide(attempt: Attempt, ground: Ground, now: datetime, turns: Iterator[int]) -> Outcome:
    inputs = Inputs(attempt.request(ground.declared, now), ground.considered(attempt))
    decision = decide(*inputs)
    outcome = Outcome.of(attempt, inputs, decision)
    carry_out(decision, turns)
    ground.persons.note(attempt.dispatch.lead_id, [standing.candidate.id for standing in decision.chosen])
    return outcome
