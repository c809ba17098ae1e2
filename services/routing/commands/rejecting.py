"""Leads that go to nobody: an operator says so in the exception queue, and their intake closes them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import Actor
from contracts.routing import DispatchRejected
from services.routing.commands.items import audit_item, load, refuse
from services.routing.commands.queueing import Settlement, resolve_items
from services.routing.domain.queue import QueueAction
from services.routing.domain.states import RejectReason, Resolution
from services.routing.models import DispatchException
from services.routing.queries.exceptions import open_items


@dataclass(frozen=True, slots=True)
class RejectException:
    exception_id: UUID
    reason: RejectReason
    note: str | None
    by: Actor


async def reject_exception(session: AsyncSession, command: RejectException, now: datetime) -> DispatchException:
    """All that waits for the lead is settled here; the lead itself is closed once its intake has heard of it."""
    loaded = await load(session, command.exception_id)
    item, dispatch, _ = loaded
    if item.resolution is Resolution.REJECTED:
        return item
    refuse(QueueAction.REJECT, loaded, now)
    event = DispatchRejected(
        lead_id=dispatch.lead_id,
        exception_id=item.id,
        reason_code=command.reason,
        rejected_by_name=command.by.name,
        rejected_at=now,
    )
    outbox.add(session, event, version=dispatch.next_version())
    waiting = [each for each in await open_items(session, [dispatch.lead_id]) if _goes_with_it(each, item)]
    resolve_items(session, dispatch, waiting, Settlement(Resolution.REJECTED, command.by.name, command.note), now)
    await audit_item(
        session,
        item,
        "reject_exception",
        command.by,
        now,
        before={"is_open": True},
        after={"is_open": False, "resolution": Resolution.REJECTED},
        note=command.note,
        reason=command.reason,
    )
    return item


def _goes_with_it(each: DispatchException, item: DispatchException) -> bool:
    """What was delivered to somebody uncharged stays an operator's to see, whatever becomes of the lead."""
    return each.id == item.id or each.reason.is_cured_by_assigning
