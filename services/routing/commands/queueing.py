"""Into the exception queue and out of it. The caller holds the lock of each lead's dispatch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit, outbox
from chassis.audit import Subject
from chassis.causation import Cause
from chassis.ids import new_id
from contracts.routing import DispatchExceptionRaised, DispatchExceptionResolved
from services.routing.commands.handing import give
from services.routing.domain.policies import Care, QueuePolicy
from services.routing.domain.states import ExceptionReason, Resolution
from services.routing.domain.waiting import budget_of, counts_since, escalate_at, next_retry
from services.routing.models import Dispatch, DispatchException
from services.routing.queries.exceptions import open_items, tries_spent
from services.routing.queries.operators import Owner
from services.routing.queries.policies import in_force

Cares = Mapping[ExceptionReason, Care]
Spent = Mapping[tuple[UUID, datetime, ExceptionReason], int]


@dataclass(frozen=True, slots=True)
class Raising:
    """Why a lead is to wait for an operator; `detail` is one line for them and names no person."""

    dispatch: Dispatch
    reason: ExceptionReason
    detail: str
    assignment_id: UUID | None = None
    cause: Cause | None = None
    passes_at: datetime | None = None
    """When what is in the way has passed by itself, where that is known."""
    is_retried: bool = True
    """Whether it may be tried again by itself: not where an operator took the lead back for good."""
    instead_of: DispatchException | None = None
    """The item whose place it takes: it has been waiting since then, and is whose that was."""


async def raise_items(
    session: AsyncSession, raisings: Sequence[Raising], now: datetime, unserved: Iterable[Dispatch] = ()
) -> list[DispatchException]:
    """New items, for the caller to add; where one is open for the same reason, that one counts once more.

    Each new one is published, and of the others once more those of leads that are `unserved` since now: that somebody
    still had the lead was true when they were told of before.
    """
    if not raisings:
        return []
    cares = (await in_force(session, QueuePolicy)).policy.kinds
    spent = await tries_spent(session, {each.dispatch.lead_id for each in raisings if each.instead_of is not None})
    waiting = await open_items(session, {raising.dispatch.lead_id for raising in raisings})
    by_reason = {(item.lead_id, item.reason): item for item in waiting}
    left_alone = {dispatch.lead_id for dispatch in unserved}
    told: dict[UUID, tuple[DispatchException, Raising]] = {}
    raised: list[DispatchException] = []
    for raising in raisings:
        key = (raising.dispatch.lead_id, raising.reason)
        item = by_reason.get(key)
        if item is None:
            item = by_reason[key] = _new_item(raising, cares, spent, now)
            raised.append(item)
            told[item.id] = (item, raising)
        else:
            _count_again(item, raising, now)
            await _take_over(session, item, raising, cares, now)
            if raising.dispatch.lead_id in left_alone and item.id not in told:
                item.told_count += 1
                told[item.id] = (item, raising)
    for item, raising in told.values():
        _publish(session, item, raising, now)
    return raised


def _count_again(item: DispatchException, raising: Raising, now: datetime) -> None:
    item.occurrences += 1
    item.last_raised_at = now
    item.detail = raising.detail
    item.assignment_id = raising.assignment_id or item.assignment_id


async def _take_over(
    session: AsyncSession, item: DispatchException, raising: Raising, cares: Cares, now: datetime
) -> None:
    """Where it takes another's place it waits since that did, and is whose that was where it was nobody's."""
    if (before := raising.instead_of) is None:
        return
    item.waits_since = min(item.waits_since, before.waits_since)
    if item.owner_id is not None:
        return
    if before.owner_id is None or before.owner_name is None:
        item.escalate_at = min(item.escalate_at or now, _escalate_at(raising, cares, now))
        return
    await give(session, item, raising.dispatch, Owner(before.owner_id, before.owner_name), now)
    await audit.record(
        session,
        actor=audit.SYSTEM,
        action="hand_over_exception",
        subject=Subject("dispatch_exception", item.id),
        before={"owner": None},
        after={"owner": item.owner_name, "at": now},
        reason_code="took_its_place",
    )


def _new_item(raising: Raising, cares: Cares, spent: Spent, now: datetime) -> DispatchException:
    """Under another reason it waits on: neither its limit nor the tries that this reason had begin anew."""
    before, care = raising.instead_of, cares[raising.reason]
    since = before.waits_since if before else now
    done = spent.get((raising.dispatch.lead_id, since, raising.reason), 0)
    left = max(0, budget_of(raising.reason, care) - done) if raising.is_retried else 0
    return DispatchException(
        id=new_id(),
        lead_id=raising.dispatch.lead_id,
        reason=raising.reason,
        detail=raising.detail,
        assignment_id=raising.assignment_id,
        occurrences=1,
        told_count=1,
        raised_at=now,
        waits_since=since,
        last_raised_at=now,
        owner_id=before.owner_id if before else None,
        owner_name=before.owner_name if before else None,
        owned_since=before.owned_since if before else None,
        next_retry_at=next_retry(raising.reason, care, now, done=done, left=left, passes=raising.passes_at),
        retries_left=left,
        retries_done=done,
        escalate_at=_escalate_at(raising, cares, now),
        escalated_at=before.escalated_at if before is not None and before.owner_id is None else None,
    )


def _escalate_at(raising: Raising, cares: Cares, now: datetime) -> datetime:
    """What takes another's place goes on with its limit, unless its owner was called for that: they are again."""
    before, care = raising.instead_of, cares[raising.reason]
    is_owned = before is not None and before.owner_id is not None
    if before is None or before.escalate_at is None or (is_owned and before.escalated_at is not None):
        return escalate_at(care, now, is_owned=is_owned)
    since = counts_since(cares[before.reason], before.escalate_at, is_owned=is_owned)
    return escalate_at(care, since, is_owned=is_owned)


def _publish(session: AsyncSession, item: DispatchException, raising: Raising, now: datetime) -> None:
    event = DispatchExceptionRaised(
        lead_id=item.lead_id,
        exception_id=item.id,
        assignment_id=item.assignment_id,
        reason_code=item.reason,
        detail=item.detail,
        raised_at=now,
    )
    outbox.add(session, event, version=raising.dispatch.next_version(), cause=raising.cause)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an item leaves the queue; `note` is the operator's own. `cause` is the event that settles it, if one does."""

    resolution: Resolution
    by: str
    note: str | None = None
    cause: Cause | None = None


def resolve_items(
    session: AsyncSession,
    dispatch: Dispatch,
    items: Iterable[DispatchException],
    settlement: Settlement,
    now: datetime,
) -> None:
    for item in items:
        item.resolved_at = now
        item.resolution = settlement.resolution
        item.resolved_by = settlement.by
        item.resolved_note = settlement.note
        event = DispatchExceptionResolved(
            lead_id=item.lead_id, exception_id=item.id, resolution=settlement.resolution, resolved_at=now
        )
        outbox.add(session, event, version=dispatch.next_version(), cause=settlement.cause)
