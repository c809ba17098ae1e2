"""Leads in the exception queue that are tried again by themselves, each when it is due and never by two at once."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import SYSTEM
from services.routing.commands.attempts import Attempt, Decided, Outcome, Waiting, decide_all
from services.routing.commands.conclusions import publish, write
from services.routing.commands.items import audit_item
from services.routing.commands.queueing import Raising, Settlement, raise_items, resolve_items
from services.routing.domain.person import Person
from services.routing.domain.policies import QueuePolicy
from services.routing.domain.states import Resolution, Trigger
from services.routing.domain.waiting import PACE, next_retry
from services.routing.models import Decision, Dispatch, DispatchException
from services.routing.queries import assignments, dispatches, exceptions
from services.routing.queries.policies import in_force

RETRIED = Settlement(Resolution.RETRIED, SYSTEM.name)
SUPERSEDED = Settlement(Resolution.SUPERSEDED, SYSTEM.name)


class RetryBrokeOff(Exception):
    """What it was raised from says why."""

    def __init__(self, exception_id: UUID) -> None:
        super().__init__(str(exception_id))
        self.exception_id = exception_id


def fresh_since(policy: QueuePolicy, now: datetime) -> datetime:
    return now - timedelta(hours=policy.stale_hours)


async def retry_next(session: AsyncSession, now: datetime) -> DispatchException | None:
    """Tries the longest waiting of what is due; None where nothing is, or auto-dispatch is switched off."""
    policy = (await in_force(session, QueuePolicy)).policy
    due = exceptions.is_due_for_retry(now, fresh_since(policy, now))
    found = await exceptions.lock_some(session, due, 1)
    if not found or not (await dispatches.auto_dispatch(session)).is_enabled:
        return None
    [(item, dispatch)] = found
    contact = await dispatches.contact_of(session, dispatch.lead_id)
    if dispatch.closed_at is not None or contact is None:
        # Nothing can be delivered any more: the item is an operator's to set aside.
        item.next_retry_at, item.retries_left = None, 0
        return item
    exception_id = item.id
    try:
        await _retry(session, item, dispatch, contact, policy, now)
    except Exception as fault:
        raise RetryBrokeOff(exception_id) from fault
    return item


async def _retry(
    session: AsyncSession,
    item: DispatchException,
    dispatch: Dispatch,
    contact: Person,
    policy: QueuePolicy,
    now: datetime,
) -> None:
    earlier = await assignments.of_lead(session, dispatch.lead_id)
    attempt = Attempt(dispatch, contact, Trigger.SCHEDULED, earlier=earlier)
    if not attempt.free_shares:
        await _leave(session, dispatch, now)
        return
    decided = await decide_all(session, [attempt], now)
    [outcome] = decided.outcomes
    if outcome.waiting is None:
        await _conclude(session, decided, now)
        await _leave(session, dispatch, now)
        await _audit(session, item, outcome, now)
        return
    last = await dispatches.last_decision(session, dispatch.lead_id)
    if last is None or not says_the_same(last, outcome):
        await _conclude(session, decided, now)
    await _stay(session, item, outcome, outcome.waiting, policy, now)


def says_the_same(last: Decision, outcome: Outcome) -> bool:
    """Nothing is gained by a record that tells what the one before it told."""
    return (last.candidate_ids, last.outcomes) == (list(outcome.candidate_ids), list(outcome.outcomes))


async def _conclude(session: AsyncSession, decided: Decided, now: datetime) -> None:
    publish(session, decided.outcomes, now)
    await write(session, decided, now)


async def _leave(session: AsyncSession, dispatch: Dispatch, now: datetime) -> None:
    waiting = await exceptions.open_items(session, [dispatch.lead_id])
    cured = [each for each in waiting if each.reason.is_cured_by_assigning]
    resolve_items(session, dispatch, cured, RETRIED, now)


async def _stay(
    session: AsyncSession,
    item: DispatchException,
    outcome: Outcome,
    waiting: Waiting,
    policy: QueuePolicy,
    now: datetime,
) -> None:
    """What only the pace holds back keeps its budget; what waits for another reason now is an item of that reason."""
    if waiting.is_held_by_pace:
        item.next_retry_at = now + PACE
        return
    item.retries_done, item.retries_left = item.retries_done + 1, item.retries_left - 1
    raising = outcome.raising
    if raising is not None and raising.reason is not item.reason:
        await _become(session, item, raising, now)
        return
    item.detail = outcome.summary
    item.next_retry_at = _next(item, policy, now, waiting.passes_at)


async def _become(session: AsyncSession, item: DispatchException, raising: Raising, now: datetime) -> None:
    resolve_items(session, raising.dispatch, [item], SUPERSEDED, now)
    session.add_all(await raise_items(session, [replace(raising, instead_of=item)], now))


def _next(
    item: DispatchException, policy: QueuePolicy, now: datetime, passes: datetime | None = None
) -> datetime | None:
    care = policy.kinds[item.reason]
    return next_retry(item.reason, care, now, done=item.retries_done, left=item.retries_left, passes=passes)


async def put_off(session: AsyncSession, exception_id: UUID, now: datetime) -> None:
    """Of a try that broke off by a fault of ours: it counts, so that the next in the queue are not kept waiting."""
    item = await exceptions.get(session, exception_id)
    await dispatches.locked(session, item.lead_id)
    item = await exceptions.get(session, exception_id)
    if item.is_open and item.next_retry_at is not None:
        item.retries_done, item.retries_left = item.retries_done + 1, max(0, item.retries_left - 1)
        item.next_retry_at = _next(item, (await in_force(session, QueuePolicy)).policy, now)


async def _audit(session: AsyncSession, item: DispatchException, outcome: Outcome, now: datetime) -> None:
    after = {
        "decision_id": outcome.decision_id,
        "assignment_ids": [share.assignment_id for share in outcome.shares],
        "is_open": item.is_open,
    }
    await audit_item(session, item, "retry_dispatch", SYSTEM, now, before={"is_open": True}, after=after)
