"""What nobody saw to in time: somebody is called, once, and cold leads are put aside for an operator to decide on."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import SYSTEM
from contracts.routing import DispatchExceptionEscalated
from services.routing.commands.items import audit_item
from services.routing.commands.queueing import Raising, raise_items, resolve_items
from services.routing.commands.retrying import SUPERSEDED, fresh_since
from services.routing.domain.policies import QueuePolicy
from services.routing.domain.states import ExceptionReason
from services.routing.domain.waiting import kind_of
from services.routing.models import Dispatch, DispatchException
from services.routing.queries import exceptions
from services.routing.queries.operators import Owner, fallback_owner
from services.routing.queries.policies import in_force

AT_ONCE = 50


async def escalate_due(session: AsyncSession, now: datetime, most: int = AT_ONCE) -> int:
    """What nobody has goes to the fallback owner, where the policy names one; returns how many were escalated."""
    found = await exceptions.lock_some(session, exceptions.is_due_for_escalation(now), most)
    if not found:
        return 0
    policy = (await in_force(session, QueuePolicy)).policy
    fallback = await fallback_owner(session, policy.fallback_owner_id)
    for item, dispatch in found:
        await _escalate(session, item, dispatch, fallback, now)
    return len(found)


async def _escalate(
    session: AsyncSession, item: DispatchException, dispatch: Dispatch, fallback: Owner | None, now: datetime
) -> None:
    before = item.owner_name
    item.escalated_at = now
    if item.owner_id is None and fallback is not None:
        item.owner_id, item.owner_name, item.owned_since = fallback.id, fallback.name, now
    event = DispatchExceptionEscalated(
        lead_id=item.lead_id,
        exception_id=item.id,
        reason_code=item.reason,
        kind=kind_of(item.reason),
        owner_name=item.owner_name,
        detail=item.detail,
        escalated_at=now,
    )
    outbox.add(session, event, version=dispatch.next_version())
    await audit_item(
        session, item, "escalate_exception", SYSTEM, now, before={"owner": before}, after={"owner": item.owner_name}
    )


async def give_late_ones(session: AsyncSession, now: datetime, most: int = AT_ONCE) -> int:
    """What was escalated while there was no fallback owner goes to the one that there is now; returns how many."""
    policy = (await in_force(session, QueuePolicy)).policy
    fallback = await fallback_owner(session, policy.fallback_owner_id)
    if fallback is None:
        return 0
    found = await exceptions.lock_some(session, exceptions.is_late(now), most)
    for item, _ in found:
        item.owner_id, item.owner_name, item.owned_since = fallback.id, fallback.name, now
        await audit_item(
            session, item, "hand_over_exception", SYSTEM, now, before={"owner": None}, after={"owner": fallback.name}
        )
    return len(found)


async def put_cold_ones_aside(session: AsyncSession, now: datetime, most: int = AT_ONCE) -> int:
    """What has waited for too long is not given away by itself: each becomes an item that says so; returns how many."""
    policy = (await in_force(session, QueuePolicy)).policy
    found = await exceptions.lock_some(session, exceptions.is_cold(now, fresh_since(policy, now)), most)
    for item, dispatch in found:
        resolve_items(session, dispatch, [item], SUPERSEDED, now)
    detail = f"it has waited for {policy.stale_hours} hours: {{}}"
    raisings = [
        Raising(dispatch, ExceptionReason.GONE_STALE, detail.format(item.detail), item.assignment_id, instead_of=item)
        for item, dispatch in found
    ]
    session.add_all(await raise_items(session, raisings, now))
    return len(found)
