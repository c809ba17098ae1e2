"""Attempts at dispatching leads: many at once from the topic, one at a time from an operator, by the same rules.

The reads and the writes are each a fixed number of statements, however many leads there are; between them every lead is
decided in memory, and the next one sees what it took.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import Actor
from chassis.causation import Cause
from chassis.ids import new_id
from contracts.routing import AssignmentCreated, DispatchDecided
from contracts.values import LeadContact
from services.routing.commands.caps import reserve
from services.routing.commands.queueing import Raising
from services.routing.domain.decision import Decision, Request, decide
from services.routing.domain.eligibility import RULE_SET_VERSION, Candidate, Rule, Standing, Turn
from services.routing.domain.record import candidates_of
from services.routing.domain.states import AssignmentStatus, CapState, DispatchStatus, ExceptionReason, Trigger
from services.routing.models import Assignment, Dispatch
from services.routing.models import Decision as DecisionRow
from services.routing.queries.candidates import Place, Territories, standings, territories

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
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
    override_reason: str | None = None

    @property
    def free_shares(self) -> list[int]:
        """The numbers of the shares that no installer holds, lowest first."""
        held = {assignment.share_no for assignment in self.earlier if assignment.status.is_live}
        return [share for share in range(1, self.dispatch.selected_path.max_assignments + 1) if share not in held]

    @property
    def wanted_count(self) -> int:
        return len(self.free_shares) if self.named is None else len(self.named)

    def request(self) -> Request:
        earlier: dict[UUID, list[AssignmentStatus]] = {}
        for assignment in self.earlier:
            earlier.setdefault(assignment.installer_id, []).append(assignment.status)
        dispatch = self.dispatch
        return Request(dispatch.lead_id, dispatch.service, dispatch.location, self.wanted_count, earlier, self.waived)


@dataclass(frozen=True, slots=True)
class Decided:
    """The decisions of a batch, in its order, and the counters that they moved, not yet written."""

    pairs: list[tuple[Attempt, Decision]]
    standings: Mapping[UUID, Standing]


async def decide_all(session: AsyncSession, attempts: Sequence[Attempt], now: datetime) -> Decided:
    """Loads the candidates of all, locks their counters, and decides lead by lead."""
    covering = await territories(session, [attempt.dispatch.location for attempt in attempts])
    installer_ids = {id_ for attempt in attempts for id_ in _candidate_ids(attempt, covering)}
    stand = await standings(session, installer_ids, now)
    places = count(1)
    return Decided([(attempt, _decide(attempt, covering, stand, now, places)) for attempt in attempts], stand)


def _candidate_ids(attempt: Attempt, covering: Territories) -> Collection[UUID]:
    if attempt.named is not None:
        return attempt.named
    return covering[Place.of(attempt.dispatch.location)].keys()


def _decide(
    attempt: Attempt, covering: Territories, stand: Mapping[UUID, Standing], now: datetime, places: Iterator[int]
) -> Decision:
    coverage = covering[Place.of(attempt.dispatch.location)]
    candidates = [(stand[id_], coverage.get(id_)) for id_ in sorted(_candidate_ids(attempt, covering))]
    decision = decide(attempt.request(), candidates)
    for standing in decision.chosen:
        standing.take(Turn(now, next(places)))
    return decision


@dataclass(frozen=True, slots=True)
class Concluded:
    """A decision with the assignments that follow from it."""

    attempt: Attempt
    decision: Decision
    decision_id: UUID
    assignments: list[Assignment]

    @property
    def raising(self) -> Raising | None:
        """Where nobody was chosen, an operator has to."""
        if self.assignments:
            return None
        reason = ExceptionReason.NO_ELIGIBLE_INSTALLER
        return Raising(self.attempt.dispatch, reason, self.decision.summary, cause=self.attempt.cause)


def conclude_all(session: AsyncSession, decided: Decided, now: datetime) -> list[Concluded]:
    """Makes the assignments and publishes; writes nothing yet."""
    return [_conclude(session, attempt, decision, now) for attempt, decision in decided.pairs]


def _conclude(session: AsyncSession, attempt: Attempt, decision: Decision, now: datetime) -> Concluded:
    decision_id = new_id()
    assignments = []
    for standing, share_no in zip(decision.chosen, attempt.free_shares, strict=False):
        assignment = _assignment(attempt, standing, share_no, decision_id, now)
        _publish_created(session, attempt, assignment, standing.candidate)
        assignments.append(assignment)
    concluded = Concluded(attempt, decision, decision_id, assignments)
    _publish_decided(session, concluded, now)
    has_live = bool(assignments) or any(assignment.status.is_live for assignment in attempt.earlier)
    move_on(attempt.dispatch, DispatchStatus.DISPATCHING if has_live else DispatchStatus.EXCEPTION, now)
    return concluded


def _publish_decided(session: AsyncSession, concluded: Concluded, now: datetime) -> None:
    dispatch = concluded.attempt.dispatch
    dispatch.attempts_count += 1
    event = DispatchDecided(
        lead_id=dispatch.lead_id,
        decision_id=concluded.decision_id,
        attempt_no=dispatch.attempts_count,
        assignment_ids=tuple(assignment.id for assignment in concluded.assignments),
        candidates_count=len(concluded.decision.assessments),
        decided_at=now,
    )
    outbox.add(session, event, version=dispatch.next_version(), cause=concluded.attempt.cause)


def move_on(dispatch: Dispatch, status: DispatchStatus, now: datetime) -> None:
    """What was delivered stays delivered, whatever becomes of its other shares."""
    if dispatch.status not in (status, DispatchStatus.DELIVERED):
        dispatch.status, dispatch.status_since = status, now


def _assignment(attempt: Attempt, standing: Standing, share_no: int, decision_id: UUID, now: datetime) -> Assignment:
    return Assignment(
        id=new_id(),
        version=0,
        lead_id=attempt.dispatch.lead_id,
        installer_id=standing.candidate.id,
        decision_id=decision_id,
        selected_path=attempt.dispatch.selected_path,
        share_no=share_no,
        status=AssignmentStatus.PENDING,
        cap_state=CapState.RESERVED,
        created_at=now,
    )


def _publish_created(session: AsyncSession, attempt: Attempt, assignment: Assignment, candidate: Candidate) -> None:
    """All that is needed to mail it: who consumes it asks nobody."""
    event = AssignmentCreated(
        assignment_id=assignment.id,
        lead_id=assignment.lead_id,
        installer_id=candidate.id,
        installer_name=candidate.name,
        deliver_to=candidate.email,
        selected_path=assignment.selected_path,
        service=attempt.dispatch.service,
        location=attempt.dispatch.location,
        contact=attempt.contact,
        created_at=assignment.created_at,
    )
    outbox.add(session, event, version=assignment.next_version(), cause=attempt.cause)


async def write(
    session: AsyncSession, concluded: Sequence[Concluded], stand: Mapping[UUID, Standing], now: datetime
) -> None:
    """Decisions, assignments, reservations and turns; the dispatches are there already."""
    if not concluded:
        return
    await session.execute(insert(DecisionRow), [_decision_row(outcome, now) for outcome in concluded])
    assignments = [assignment for outcome in concluded for assignment in outcome.assignments]
    session.add_all(assignments)
    await session.flush()
    await reserve(session, Counter(assignment.installer_id for assignment in assignments), stand)


def _decision_row(outcome: Concluded, now: datetime) -> dict[str, object]:
    attempt, decision = outcome.attempt, outcome.decision
    by = attempt.by
    return {
        "id": outcome.decision_id,
        "lead_id": attempt.dispatch.lead_id,
        "attempt_no": attempt.dispatch.attempts_count,
        "trigger": attempt.trigger,
        "operator_id": by.id if by else None,
        "operator_name": by.name if by else None,
        "override_reason": attempt.override_reason,
        "rule_set_version": RULE_SET_VERSION,
        "wanted_count": attempt.wanted_count,
        "chosen_count": len(outcome.assignments),
        "shortfall": decision.shortfall,
        "summary": decision.summary,
        "candidates": candidates_of(decision),
        "decided_at": now,
        "latency_ms": max(0, (now - attempt.dispatch.received_at) // MILLISECOND),
    }
