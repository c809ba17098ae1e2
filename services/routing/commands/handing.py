"""Whose an item of the exception queue is: somebody's from now on, or nobody's again. Its lead's lock is held."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.routing import DispatchExceptionOwnerChanged, DispatchExceptionSnoozed
from services.routing.domain.policies import Care, QueuePolicy
from services.routing.domain.waiting import escalate_at
from services.routing.models import Dispatch, DispatchException
from services.routing.queries.operators import Owner
from services.routing.queries.policies import in_force


async def care_of(session: AsyncSession, item: DispatchException) -> Care:
    """How the policy in force has it seen to."""
    return (await in_force(session, QueuePolicy)).policy.kinds[item.reason]


async def give(session: AsyncSession, item: DispatchException, dispatch: Dispatch, owner: Owner, now: datetime) -> None:
    """Whoever has it has the time that the policy gives; what was escalated already is not escalated once more."""
    item.owner_id, item.owner_name, item.owned_since = owner.id, owner.name, now
    if item.escalated_at is None and item.escalate_at is not None:
        owned = escalate_at(await care_of(session, item), item.raised_at, is_owned=True)
        item.escalate_at = max(item.escalate_at, owned)
    _tell_of_owner(session, item, dispatch, now)


async def take_away(session: AsyncSession, item: DispatchException, dispatch: Dispatch, now: datetime) -> None:
    """Somebody is called for it again, as for anything that is nobody's: asleep nobody would be, so it wakes."""
    item.owner_id = item.owner_name = item.owned_since = None
    item.escalate_at, item.escalated_at = escalate_at(await care_of(session, item), now, is_owned=False), None
    _tell_of_owner(session, item, dispatch, now)
    if item.snoozed_until is not None and now < item.snoozed_until:
        rouse(session, item, dispatch, now)


def rouse(session: AsyncSession, item: DispatchException, dispatch: Dispatch, now: datetime) -> None:
    item.snoozed_until = item.snoozed_by = item.snooze_note = None
    tell_of_sleep(session, item, dispatch, now)


def tell_of_sleep(session: AsyncSession, item: DispatchException, dispatch: Dispatch, now: datetime) -> None:
    event = DispatchExceptionSnoozed(
        lead_id=item.lead_id, exception_id=item.id, snoozed_until=item.snoozed_until, changed_at=now
    )
    outbox.add(session, event, version=dispatch.next_version())


def _tell_of_owner(session: AsyncSession, item: DispatchException, dispatch: Dispatch, now: datetime) -> None:
    event = DispatchExceptionOwnerChanged(
        lead_id=item.lead_id,
        exception_id=item.id,
        owner_id=item.owner_id,
        owner_name=item.owner_name,
        changed_at=now,
    )
    outbox.add(session, event, version=dispatch.next_version())
