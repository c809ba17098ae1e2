"""Attempts at dispatching leads: many at once from the topic, one at a time from an operator, by the same rules.

The candidates of all are loaded and their counters locked in a fixed number of statements. Then every lead is decided
in memory, one after the other, and each sees what those before it took.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
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
from contracts.values import LeadContact, Location
from services.routing.commands.queueing import Raising
from services.routing.domain.decision import Decision, Request, Shortfall, decide
from services.routing.domain.eligibility import Candidate, Rule, Standing, Turn, Verdict
from services.routing.domain.record import record_of
from services.routing.domain.states import AssignmentStatus, ExceptionReason, Trigger
from services.routing.models import Assignment, Dispatch
from services.routing.queries.candidates import Place, Territories, standings, territories


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
    contact: LeadContact
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
    def free_shares(self) -> list[int]:
        return free_shares_of(self.dispatch, self.earlier)

    @property
    def wanted_count(self) -> int:
        return len(self.free_shares) if self.named is None else len(self.named)

    def request(self) -> Request:
        earlier: dict[UUID, list[AssignmentStatus]] = {}
        for assignment in self.earlier:
            earlier.setdefault(assignment.installer_id, []).append(assignment.status)
        dispatch = self.dispatch
        return Request(dispatch.lead_id, dispatch.service, self.location, self.wanted_count, earlier, self.waived)


class Share(NamedTuple):
    """A share of a lead and who gets it."""

    assignment_id: UUID
    number: int
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to. The record is made at once: a batch would otherwise hold every verdict in memory.

    `refusals` are what is in the way of installers that were named.
    """

    attempt: Attempt
    decision_id: UUID
    shares: list[Share]
    candidates_count: int
    shortfall: Shortfall | None
    summary: str
    record: str
    refusals: list[tuple[UUID, Verdict]]

    @classmethod
    def of(cls, attempt: Attempt, decision: Decision) -> "Outcome":
        return cls(
            attempt=attempt,
            decision_id=new_id(),
            shares=[
                Share(new_id(), number, standing.candidate)
                for number, standing in zip(attempt.free_shares, decision.chosen, strict=False)
            ],
            candidates_count=len(decision.assessments),
            shortfall=decision.shortfall,
            summary=decision.summary,
            record=record_of(decision),
            refusals=[] if attempt.named is None else decision.refusals,
        )

    @property
    def raising(self) -> Raising | None:
        """Where nobody was chosen, an operator has to."""
        if self.shares:
            return None
        reason = ExceptionReason.NO_ELIGIBLE_INSTALLER
        return Raising(self.attempt.dispatch, reason, self.summary, cause=self.attempt.cause)


@dataclass(frozen=True, slots=True)
class Decided:
    """The outcomes of a batch, in its order, and the counters that they moved, not yet written."""

    outcomes: list[Outcome]
    standings: Mapping[UUID, Standing]


async def decide_all(session: AsyncSession, attempts: Sequence[Attempt], now: datetime) -> Decided:
    """Loads the candidates of all, locks their counters, and decides lead by lead."""
    covering = await territories(session, [attempt.location for attempt in attempts])
    installer_ids = {id_ for attempt in attempts for id_ in _candidate_ids(attempt, covering)}
    stand = await standings(session, installer_ids, now)
    places = count(1)
    return Decided([_decide(attempt, covering, stand, now, places) for attempt in attempts], stand)


def _candidate_ids(attempt: Attempt, covering: Territories) -> Collection[UUID]:
    return covering[Place.of(attempt.location)].keys() if attempt.named is None else attempt.named


def _decide(
    attempt: Attempt, covering: Territories, stand: Mapping[UUID, Standing], now: datetime, places: Iterator[int]
) -> Outcome:
    coverage = covering[Place.of(attempt.location)]
    candidates = [(stand[id_], coverage.get(id_)) for id_ in sorted(_candidate_ids(attempt, covering))]
    decision = decide(attempt.request(), candidates)
    outcome = Outcome.of(attempt, decision)
    for standing in decision.chosen:
        standing.take(Turn(now, next(places)))
    return outcome
