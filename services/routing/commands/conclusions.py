"""What follows from decisions: they are published and kept, assignments are made, places under the caps reserved."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Text, Uuid, bindparam, cast, insert
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.routing import AssignmentCreated, DispatchDecided
from services.routing.commands.attempts import Attempt, Decided, Outcome, Share, Taken
from services.routing.commands.caps import reserve
from services.routing.domain.eligibility import RULE_SET_VERSION
from services.routing.domain.states import AssignmentStatus, CapState, DispatchStatus, Trigger
from services.routing.metrics import count_decisions
from services.routing.models import Assignment, Decision, Dispatch

MILLISECOND = timedelta(milliseconds=1)
FIRST_VERSION = 1
"""An assignment's, as it is created and published once."""


def publish(session: AsyncSession, outcomes: Iterable[Outcome], now: datetime) -> None:
    """Moves each lead's dispatch on and says so; nothing is written yet."""
    for outcome in outcomes:
        _publish_decided(session, outcome, now)
        for share in outcome.shares:
            _publish_created(session, outcome.attempt, share, now)


def _publish_decided(session: AsyncSession, outcome: Outcome, now: datetime) -> None:
    attempt, dispatch = outcome.attempt, outcome.attempt.dispatch
    has_live = bool(outcome.shares) or any(assignment.status.is_live for assignment in attempt.earlier)
    move_on(dispatch, DispatchStatus.DISPATCHING if has_live else DispatchStatus.EXCEPTION, now)
    dispatch.attempts_count += 1
    event = DispatchDecided(
        lead_id=dispatch.lead_id,
        decision_id=outcome.decision_id,
        attempt_no=dispatch.attempts_count,
        assignment_ids=tuple(share.assignment_id for share in outcome.shares),
        candidates_count=outcome.candidates_count,
        decided_at=now,
    )
    outbox.add(session, event, version=dispatch.next_version(), cause=attempt.cause)


def move_on(dispatch: Dispatch, status: DispatchStatus, now: datetime) -> None:
    """What was delivered stays delivered, whatever becomes of its other shares; what was closed stays closed."""
    if dispatch.status is not status and not dispatch.status.is_final:
        dispatch.status, dispatch.status_since = status, now


def _publish_created(session: AsyncSession, attempt: Attempt, share: Share, now: datetime) -> None:
    """All that is needed to mail it: who consumes it asks nobody."""
    event = AssignmentCreated(
        assignment_id=share.assignment_id,
        lead_id=attempt.dispatch.lead_id,
        installer_id=share.candidate.id,
        installer_name=share.candidate.name,
        deliver_to=share.candidate.email,
        selected_path=attempt.dispatch.selected_path,
        service=attempt.dispatch.service,
        location=attempt.location,
        contact=attempt.contact.contact,
        sealed_contact=attempt.contact.sealed_contact,
        channel=share.candidate.channel,
        created_at=now,
    )
    outbox.add(session, event, version=FIRST_VERSION, cause=attempt.cause)


# The first two are JSON already; the columns' own type would encode them once more. Arrays go as their literals, whose
# elements nobody has to encode one by one: a lead of the east coast has hundreds.
_KEEP_DECISION = insert(Decision).values(
    candidates=cast(bindparam("record", type_=Text), JSON),
    inputs=cast(bindparam("inputs_text", type_=Text), JSON),
    candidate_ids=cast(bindparam("candidates_literal", type_=Text), ARRAY(Uuid)),
    outcomes=cast(bindparam("outcomes_literal", type_=Text), ARRAY(Text)),
    entitled_ppm=cast(bindparam("entitled_literal", type_=Text), ARRAY(Integer)),
)


async def write(session: AsyncSession, decided: Decided, now: datetime) -> None:
    """Decisions, assignments, reservations and turns, whose leads' dispatches are written already."""
    await write_outcomes(session, decided.outcomes, now)
    await take(session, decided.taken)


async def write_outcomes(session: AsyncSession, outcomes: Sequence[Outcome], now: datetime) -> None:
    if not outcomes:
        return
    count_decisions(session, [_counted(outcome) for outcome in outcomes], now)
    await session.execute(_KEEP_DECISION, [_decision_row(outcome, now) for outcome in outcomes])
    assignments = [row for outcome in outcomes for row in _assignment_rows(outcome, now)]
    if assignments:
        await session.execute(insert(Assignment), assignments)


async def take(session: AsyncSession, taken: Taken) -> None:
    """The places and turns of all that were chosen."""
    await reserve(session, taken.given, taken.standings)


def _counted(outcome: Outcome) -> tuple[Trigger, int, int, datetime]:
    attempt = outcome.attempt
    return attempt.trigger, len(outcome.shares), attempt.wanted_count, attempt.dispatch.received_at


def _decision_row(outcome: Outcome, now: datetime) -> Mapping[str, Any]:
    attempt = outcome.attempt
    return {
        "id": outcome.decision_id,
        "lead_id": attempt.dispatch.lead_id,
        "attempt_no": attempt.dispatch.attempts_count,
        "trigger": attempt.trigger,
        "operator_id": attempt.by.id if attempt.by else None,
        "operator_name": attempt.by.name if attempt.by else None,
        "reason_text": attempt.reason,
        "override_reason": attempt.reason if attempt.overrides_caps else None,
        "rule_set_version": RULE_SET_VERSION,
        "wanted_count": attempt.wanted_count,
        "chosen_count": len(outcome.shares),
        "shortfall": outcome.shortfall,
        "summary": outcome.summary,
        "record": outcome.record,
        "inputs_text": outcome.inputs,
        "candidates_literal": _literal(outcome.candidate_ids),
        "outcomes_literal": _literal(outcome.outcomes),
        "entitled_literal": _literal(outcome.entitled_ppm),
        "decided_at": now,
        "latency_ms": max(0, (now - attempt.dispatch.received_at) // MILLISECOND),
    }


def _literal(values: Iterable[object]) -> str:
    """PostgreSQL's text of an array of what needs no quotes: ids, words of ours, whole numbers."""
    return f"{{{','.join(map(str, values))}}}"


def _assignment_rows(outcome: Outcome, now: datetime) -> Sequence[Mapping[str, Any]]:
    dispatch = outcome.attempt.dispatch
    return [
        {
            "id": share.assignment_id,
            "version": FIRST_VERSION,
            "lead_id": dispatch.lead_id,
            "installer_id": share.candidate.id,
            "decision_id": outcome.decision_id,
            "selected_path": dispatch.selected_path,
            "share_no": share.number,
            "status": AssignmentStatus.PENDING,
            "cap_state": CapState.RESERVED,
            "channel": share.candidate.channel,
            "created_at": now,
        }
        for share in outcome.shares
    ]
