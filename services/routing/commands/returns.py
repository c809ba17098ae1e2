"""Returns: asked for with what the system knows of the delivery, decided at once where a rule is sure.

All of them hold the lock of the lead's dispatch, so that no two decide one return, nor one of two of its leads.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic_core import to_jsonable_python
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import SYSTEM, Actor, Subject
from contracts.business_days import end_of_business_days
from contracts.values import CreditReason
from services.routing.commands import return_events
from services.routing.commands.assignments import ReleaseCap, audit_releases, release
from services.routing.commands.offering import GivenBack, let_go
from services.routing.commands.quota import judge_quota_again
from services.routing.domain.evidence import Evidence
from services.routing.domain.policies import ReturnsPolicy
from services.routing.domain.returns import (
    AskedBy,
    AskedVia,
    DenialCode,
    ReturnCode,
    ReturnState,
    RuleVerdict,
    Ruling,
    TakingObstacle,
    cap_release_reason,
    credited_for,
    decide_return,
    is_over_quota,
    obstacle_to_deciding,
    obstacle_to_taking,
    offered_on,
    told_denial,
)
from services.routing.domain.states import AssignmentStatus, CapState
from services.routing.errors import CreditReasonFixed, NotReturnable, ReturnExists, ReturnIsDecided
from services.routing.models import Assignment, Dispatch, Return
from services.routing.queries import installers, returns
from services.routing.queries.assignments import locked_with_dispatches
from services.routing.queries.evidence import gather
from services.routing.queries.policies import in_force


@dataclass(frozen=True, slots=True)
class RequestReturn:
    """`words` are the installer's, as whoever took the return wrote them down."""

    return_id: UUID
    assignment_id: UUID
    code: ReturnCode
    words: str
    asked_by: AskedBy
    channel: AskedVia
    by: Actor


@dataclass(frozen=True, slots=True)
class AcceptReturn:
    """`credit_reason` and `is_offered_on` count where the return's code leaves them open; None is no."""

    return_id: UUID
    by: Actor
    credit_reason: CreditReason | None = None
    is_offered_on: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class DenyReturn:
    """`note` goes to the installer, word for word."""

    return_id: UUID
    denial_code: DenialCode
    note: str
    by: Actor


@dataclass(frozen=True, slots=True)
class WithdrawReturn:
    return_id: UUID
    by: Actor
    reason: str | None = None


class Case(NamedTuple):
    """A return with its delivery and lead, which are locked."""

    asked: Return
    assignment: Assignment
    dispatch: Dispatch


async def request_return(session: AsyncSession, command: RequestReturn, now: datetime, zone: ZoneInfo) -> Return:
    """Asked twice under one id it is asked once. A denied one may be asked for again."""
    assignments, dispatches = await locked_with_dispatches(session, {command.assignment_id})
    assignment = assignments[command.assignment_id]
    if (known := await session.get(Return, command.return_id, populate_existing=True)) is not None:
        return _same(known, command)
    await _refuse_taking(session, assignment)
    dispatch = dispatches[assignment.lead_id]
    policy = (await in_force(session, ReturnsPolicy)).policy
    evidence = await gather(session, assignment, dispatch, policy, now, zone)
    ruling = decide_return(command.code, evidence, policy.over_quota)
    decide_by = end_of_business_days(now, policy.decide_business_days, zone)
    case = Case(_asked(command, assignment, evidence, ruling, decide_by, now), assignment, dispatch)
    session.add(case.asked)
    return_events.tell_requested(session, case.asked, assignment)
    await _audit(session, case, command.by, "request_return", {"state": ReturnState.REQUESTED}, command.words)
    await decide_by_rule(session, case, ruling, policy, now)
    await session.flush()
    return case.asked


def _same(known: Return, command: RequestReturn) -> Return:
    if (known.assignment_id, known.code, known.words) != (command.assignment_id, command.code, command.words):
        raise ReturnExists("the id is another return's", return_id=known.id)
    return known


async def _refuse_taking(session: AsyncSession, assignment: Assignment) -> None:
    is_asked_for = await returns.is_asked_for(session, assignment.id)
    match obstacle_to_taking(assignment.status, is_asked_for=is_asked_for):
        case TakingObstacle.REQUESTED as obstacle:
            raise ReturnExists(obstacle, assignment_id=assignment.id)
        case TakingObstacle() as obstacle:
            raise NotReturnable(obstacle, assignment_id=assignment.id)


def _asked(
    command: RequestReturn, made: Assignment, evidence: Evidence, ruling: Ruling, decide_by: datetime, now: datetime
) -> Return:
    return Return(
        id=command.return_id,
        assignment_id=made.id,
        lead_id=made.lead_id,
        installer_id=made.installer_id,
        code=command.code,
        words=command.words,
        asked_by=command.asked_by,
        channel=command.channel,
        requested_at=now,
        requested_by_id=command.by.id,
        requested_by_name=command.by.name,
        decide_by=decide_by,
        evidence=to_jsonable_python(asdict(evidence)),
        rule_verdict=ruling.verdict,
        rule_reason=ruling.reason,
        is_over_quota=is_over_quota(command.code, ruling.verdict, evidence.quota),
        state=ReturnState.REQUESTED,
        decided_by_rule=False,
    )


async def decide_by_rule(
    session: AsyncSession, case: Case, ruling: Ruling, policy: ReturnsPolicy, now: datetime
) -> None:
    """What it is sure of; the rest waits for an operator."""
    match ruling.verdict:
        case RuleVerdict.ACCEPT:
            await _accept(session, case, AcceptReturn(case.asked.id, SYSTEM), now)
        case RuleVerdict.DENY:
            message = told_denial(ruling.denial, policy)
            await _deny(session, case, DenyReturn(case.asked.id, ruling.denial, message, SYSTEM), now)


async def accept_return(session: AsyncSession, command: AcceptReturn, now: datetime) -> Return:
    """The lead is the installer's no more: place free, lead offered on, credit proposed, all in one breath.

    Accepted twice it is accepted once.
    """
    case = await _load(session, command.return_id)
    if case.asked.state is ReturnState.ACCEPTED:
        return case.asked
    _refuse_decided(case.asked)
    fixed = credited_for(case.asked.code, case.asked.ruling)
    if fixed is not None and command.credit_reason not in (None, fixed):
        raise CreditReasonFixed(f"{case.asked.code} is credited as {fixed}", return_id=case.asked.id)
    await judge_quota_again(session, case.asked, command.note)
    await _accept(session, case, command, now)
    await session.flush()
    return case.asked


async def _accept(session: AsyncSession, case: Case, command: AcceptReturn, now: datetime) -> None:
    asked, assignment, dispatch = case
    _settle(asked, ReturnState.ACCEPTED, command.by, command.note, now)
    fixed = offered_on(asked.code, asked.ruling)
    asked.is_offered_on = command.is_offered_on if fixed is None else fixed
    asked.credit_reason = credited_for(asked.code, asked.ruling) or command.credit_reason
    assignment.status = AssignmentStatus.RETURNED
    assignment.ended_at, assignment.ended_reason = now, asked.code.value
    released, moves = [], []
    if assignment.cap_state is CapState.COUNTED:
        reason = cap_release_reason(asked.code, asked.ruling)
        released.append(ReleaseCap(assignment.id, reason, by=command.by))
        moves.append(release(session, assignment, released[0], now))
    return_events.tell_accepted(session, asked, assignment, command.by, now)
    await let_go(session, GivenBack(dispatch, assignment, moves, asked.code, asked.is_offered_on, command.by), now)
    decided = {name: getattr(asked, name) for name in ("credit_reason", "is_offered_on", "is_over_quota")}
    after = {"state": ReturnState.ACCEPTED, **decided}
    await _audit(session, case, command.by, "accept_return", after, command.note)
    await audit_releases(session, released, now)


async def deny_return(session: AsyncSession, command: DenyReturn, now: datetime) -> Return:
    """The installer keeps the lead, and is told why by mail. Denied twice it is denied once."""
    case = await _load(session, command.return_id)
    if case.asked.state is ReturnState.DENIED:
        return case.asked
    _refuse_decided(case.asked)
    await _deny(session, case, command, now)
    return case.asked


async def _deny(session: AsyncSession, case: Case, command: DenyReturn, now: datetime) -> None:
    asked, assignment, _ = case
    _settle(asked, ReturnState.DENIED, command.by, command.note, now)
    asked.denial_code = command.denial_code
    installer = await installers.get(session, assignment.installer_id)
    return_events.tell_denied(session, asked, assignment, installer, now)
    after = {"state": ReturnState.DENIED, "denial_code": command.denial_code}
    await _audit(session, case, command.by, "deny_return", after, command.note)


async def withdraw_return(session: AsyncSession, command: WithdrawReturn, now: datetime) -> Return:
    """The installer keeps the lead after all; another return may be asked for later."""
    case = await _load(session, command.return_id)
    if case.asked.state is ReturnState.WITHDRAWN:
        return case.asked
    _refuse_decided(case.asked)
    asked, assignment, _ = case
    _settle(asked, ReturnState.WITHDRAWN, command.by, command.reason, now)
    return_events.tell_withdrawn(session, asked, assignment, now)
    await _audit(session, case, command.by, "withdraw_return", {"state": ReturnState.WITHDRAWN}, command.reason)
    return asked


async def _load(session: AsyncSession, return_id: UUID) -> Case:
    assignment_id = (await returns.get(session, return_id)).assignment_id
    assignments, dispatches = await locked_with_dispatches(session, {assignment_id})
    assignment = assignments[assignment_id]
    # Read again under the lock: somebody else may just have decided it.
    return Case(await returns.get(session, return_id), assignment, dispatches[assignment.lead_id])


def _refuse_decided(asked: Return) -> None:
    if obstacle := obstacle_to_deciding(asked.state):
        raise ReturnIsDecided(obstacle, return_id=asked.id)


def _settle(asked: Return, state: ReturnState, by: Actor, note: str | None, now: datetime) -> None:
    asked.state, asked.decided_at = state, now
    asked.decided_by_id, asked.decided_by_name = by.id, by.name
    asked.decided_by_rule = by.id is None
    asked.decision_note = note


async def _audit(
    session: AsyncSession, case: Case, by: Actor, action: str, after: Mapping[str, object], words: str | None
) -> None:
    """At the assignment, so that one timeline has all."""
    asked = case.asked
    before = None if action == "request_return" else {"state": ReturnState.REQUESTED}
    await audit.record(
        session,
        actor=by,
        action=action,
        subject=Subject("assignment", case.assignment.id),
        before=before,
        after={"return_id": asked.id, **after},
        reason_code=asked.rule_reason if by.id is None else asked.denial_code or asked.code,
        reason_text=words,
    )
