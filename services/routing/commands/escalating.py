"""What nobody saw to in time: somebody is called and gets it, and cold leads are put aside for them to decide on."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import SYSTEM
from contracts.routing import DispatchExceptionEscalated
from services.routing.commands.handing import give, take_away
from services.routing.commands.items import audit_item
from services.routing.commands.queueing import Raising, raise_items, resolve_items
from services.routing.commands.retrying import SUPERSEDED, fresh_since
from services.routing.commands.standby import Standby, standby
from services.routing.domain.policies import QueuePolicy
from services.routing.domain.states import ExceptionReason
from services.routing.domain.waiting import kind_of
from services.routing.models import Dispatch, DispatchException
from services.routing.queries import exceptions
from services.routing.queries.policies import in_force

AT_ONCE = 50
OWNER_LEFT = "owner_left"
"""Why what somebody had is given on: they cannot sign in, or may not work on leads, any more."""


async def escalate_due(session: AsyncSession, now: datetime, most: int = AT_ONCE) -> int:
    """What nobody has goes to who stands by, where anybody may own it; returns how many were escalated."""
    found = await exceptions.lock_some(session, exceptions.is_due_for_escalation(now), most)
    if not found:
        return 0
    those = await standby(session)
    for item, dispatch in found:
        await _escalate(session, item, dispatch, those, now)
    return len(found)


async def _escalate(
    session: AsyncSession, item: DispatchException, dispatch: Dispatch, those: Standby, now: datetime
) -> None:
    before = item.owner_name
    item.escalated_at = now
    if item.owner_id is None and (owner := those.next()) is not None:
        await give(session, item, dispatch, owner, now)
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
    """What was escalated while nobody might own it goes to who stands by now; returns how many did."""
    found = await exceptions.lock_some(session, exceptions.is_late(now), most)
    if not found:
        return 0
    those, given = await standby(session), 0
    for item, dispatch in found:
        if (owner := those.next()) is not None:
            before = _standing(item)
            await give(session, item, dispatch, owner, now)
            await _audit_given(session, item, before, now)
            given += 1
    return given


async def give_on_from_who_left(session: AsyncSession, now: datetime, most: int = AT_ONCE) -> int:
    """What somebody has who may own nothing any more goes to who stands by, at once; returns how much that was.

    Where nobody may own it, it is nobody's again and escalates as such.
    """
    found = await exceptions.lock_some(session, exceptions.is_of_who_left(), most)
    if not found:
        return 0
    those = await standby(session)
    for item, dispatch in found:
        before, owner = _standing(item), those.next()
        if owner is None:
            await take_away(session, item, dispatch, now)
        else:
            await give(session, item, dispatch, owner, now)
        await _audit_given(session, item, before, now, OWNER_LEFT)
    return len(found)


def _standing(item: DispatchException) -> dict[str, object]:
    return {"owner": item.owner_name, "snoozed_until": item.snoozed_until}


async def _audit_given(
    session: AsyncSession,
    item: DispatchException,
    before: dict[str, object],
    now: datetime,
    reason: str | None = None,
) -> None:
    action = "unassign_exception" if item.owner_id is None else "hand_over_exception"
    await audit_item(session, item, action, SYSTEM, now, before=before, after=_standing(item), reason=reason)


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
