"""Into the exception queue and out of it. The caller holds the lock of each lead's dispatch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.causation import Cause
from chassis.ids import new_id
from contracts.routing import DispatchExceptionRaised, DispatchExceptionResolved
from services.routing.domain.policies import Care, QueuePolicy
from services.routing.domain.states import ExceptionReason, Resolution
from services.routing.domain.waiting import budget_of, escalate_at, next_retry
from services.routing.models import Dispatch, DispatchException
from services.routing.queries.exceptions import open_items
from services.routing.queries.policies import in_force


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
    waiting = await open_items(session, {raising.dispatch.lead_id for raising in raisings})
    by_reason = {(item.lead_id, item.reason): item for item in waiting}
    left_alone = {dispatch.lead_id for dispatch in unserved}
    told: dict[UUID, tuple[DispatchException, Raising]] = {}
    raised: list[DispatchException] = []
    for raising in raisings:
        key = (raising.dispatch.lead_id, raising.reason)
        item = by_reason.get(key)
        if item is None:
            item = by_reason[key] = _new_item(raising, cares[raising.reason], now)
            raised.append(item)
            told[item.id] = (item, raising)
        else:
            _count_again(item, raising, now)
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


def _new_item(raising: Raising, care: Care, now: datetime) -> DispatchException:
    before = raising.instead_of
    left = budget_of(raising.reason, care) if raising.is_retried else 0
    return DispatchException(
        id=new_id(),
        lead_id=raising.dispatch.lead_id,
        reason=raising.reason,
        detail=raising.detail,
        assignment_id=raising.assignment_id,
        occurrences=1,
        told_count=1,
        raised_at=now,
        waits_since=before.waits_since if before else now,
        last_raised_at=now,
        owner_id=before.owner_id if before else None,
        owner_name=before.owner_name if before else None,
        owned_since=before.owned_since if before else None,
        next_retry_at=next_retry(raising.reason, care, now, done=0, left=left, passes=raising.passes_at),
        retries_left=left,
        escalate_at=escalate_at(care, now, is_owned=before is not None and before.owner_id is not None),
    )


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
