"""Mails that came back after they were accepted: what was sent to an installer never reached it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause, caused_by
from services.routing.commands.channels import Try, note_tries
from services.routing.commands.returns import Case, decide_by_rule
from services.routing.domain.evidence import Logged
from services.routing.domain.policies import ReturnsPolicy
from services.routing.domain.returns import rule_on_bounce
from services.routing.domain.states import DeliveryStep
from services.routing.metrics import count_deliveries
from services.routing.models import Assignment
from services.routing.queries import returns, sending
from services.routing.queries.assignments import locked_with_dispatches
from services.routing.queries.evidence import delivery_of
from services.routing.queries.policies import in_force


@dataclass(frozen=True, slots=True)
class Bounce:
    """The mail of an assignment came back. `enhanced_status` is RFC 3463's; what `is_permanent` would do so again."""

    assignment_id: UUID
    reason_code: str
    enhanced_status: str
    is_permanent: bool
    cause: Cause | None = None


async def note_bounces(session: AsyncSession, bounces: Sequence[Bounce], now: datetime) -> None:
    """Each stands once in its delivery's log, whatever became of the assignment since.

    Nothing else follows by itself: what was charged is given back by a return, and a return that waits is judged again.
    """
    if not bounces:
        return
    # Of two of one delivery the first: what comes after it says nothing new.
    by_id = {each.assignment_id: each for each in reversed(bounces)}
    assignments, dispatches = await locked_with_dispatches(session, by_id.keys())
    known = await sending.bounced_among(session, by_id)
    fresh = {id_: each for id_, each in by_id.items() if id_ not in known}
    for asked in await returns.requested_of(session, fresh):
        assignment = assignments[asked.assignment_id]
        case = Case(asked, assignment, dispatches[assignment.lead_id])
        with caused_by(fresh[assignment.id].cause):
            await _judge_again(session, case, fresh[assignment.id], now)
    tries = [_try(assignments[id_], each) for id_, each in fresh.items()]
    count_deliveries(session, [(each.channel, each.step) for each in tries])
    await note_tries(session, tries, now)


def _try(assignment: Assignment, bounce: Bounce) -> Try:
    return Try(
        assignment.id,
        assignment.installer_id,
        assignment.channel,
        DeliveryStep.BOUNCED,
        assignment.created_at,
        bounce.reason_code,
        enhanced_status=bounce.enhanced_status,
        cause=bounce.cause,
    )


async def _judge_again(session: AsyncSession, case: Case, bounce: Bounce, now: datetime) -> None:
    """A return that was asked for in time and waits: what came back since is evidence of it, and may make it sure."""
    asked, assignment, _ = case
    step, status = DeliveryStep.BOUNCED, bounce.enhanced_status
    log = (
        *await delivery_of(session, assignment.id),
        Logged(now, assignment.channel, step, bounce.reason_code, None, status),
    )
    asked.evidence = asked.evidence | {"delivery": to_jsonable_python([asdict(each) for each in log])}
    ruling = rule_on_bounce(asked.code) if bounce.is_permanent else None
    if ruling is not None:
        # What a rule takes back counts in no quota.
        asked.rule_verdict, asked.rule_reason, asked.is_over_quota = ruling.verdict, ruling.reason, False
        await decide_by_rule(session, case, ruling, (await in_force(session, ReturnsPolicy)).policy, now)
