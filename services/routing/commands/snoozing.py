"""Items of the exception queue that sleep: nobody is shown them, nothing tries or calls, until they wake."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import Actor
from chassis.errors import FieldError
from contracts.routing import DispatchExceptionSnoozed
from services.routing.commands.items import Loaded, audit_item, care_of, load, refuse
from services.routing.domain.queue import QueueAction, QueueObstacle, is_ahead
from services.routing.domain.waiting import escalate_at, is_snoozed
from services.routing.errors import SnoozeNotAhead
from services.routing.models import DispatchException


@dataclass(frozen=True, slots=True)
class SnoozeException:
    exception_id: UUID
    until: datetime
    note: str
    by: Actor


@dataclass(frozen=True, slots=True)
class WakeException:
    exception_id: UUID
    by: Actor
    reason: str | None = None


async def snooze_exception(session: AsyncSession, command: SnoozeException, now: datetime) -> DispatchException:
    """Done twice until the same time it is done once; it wakes by itself then."""
    loaded = await load(session, command.exception_id)
    item = loaded.item
    if item.is_open and is_snoozed(item.snoozed_until, now) and item.snoozed_until == command.until:
        return item
    refuse(QueueAction.SNOOZE, loaded, now)
    _refuse_other_times(command.until, now)
    item.snoozed_until, item.snoozed_by, item.snooze_note = command.until, command.by.name, command.note
    await _count_from(session, item, command.until)
    _publish(session, loaded, now)
    await audit_item(
        session,
        item,
        "snooze_exception",
        command.by,
        now,
        before={"snoozed_until": None},
        after={"snoozed_until": command.until},
        note=command.note,
    )
    return item


async def wake_exception(session: AsyncSession, command: WakeException, now: datetime) -> DispatchException:
    """Back in the queue at once; what is awake stays so."""
    loaded = await load(session, command.exception_id)
    item, until = loaded.item, loaded.item.snoozed_until
    if item.is_open and not is_snoozed(until, now):
        return item
    refuse(QueueAction.WAKE, loaded, now)
    item.snoozed_until = item.snoozed_by = item.snooze_note = None
    await _count_from(session, item, now)
    _publish(session, loaded, now)
    await audit_item(
        session,
        item,
        "wake_exception",
        command.by,
        now,
        before={"snoozed_until": until},
        after={"snoozed_until": None},
        note=command.reason,
    )
    return item


def _publish(session: AsyncSession, loaded: Loaded, now: datetime) -> None:
    item = loaded.item
    event = DispatchExceptionSnoozed(
        lead_id=item.lead_id, exception_id=item.id, snoozed_until=item.snoozed_until, changed_at=now
    )
    outbox.add(session, event, version=loaded.dispatch.next_version())


async def _count_from(session: AsyncSession, item: DispatchException, since: datetime) -> None:
    """Nobody is called for what slept; once it is awake they are, as for what was raised then."""
    if item.escalated_at is None:
        item.escalate_at = escalate_at(await care_of(session, item), since, is_owned=item.owner_id is not None)


def _refuse_other_times(until: datetime, now: datetime) -> None:
    if not is_ahead(until, now):
        fault = FieldError("until", "snooze_not_ahead", "Choose a time ahead, within a year")
        raise SnoozeNotAhead(QueueObstacle.NOT_AHEAD, errors=(fault,))
