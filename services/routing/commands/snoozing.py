"""Items of the exception queue that sleep: nobody is shown them, nothing tries or calls, until they wake.

None of them is nobody's: somebody answers for what no limit reaches meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor
from chassis.errors import FieldError
from services.routing.commands.handing import care_of, give, rouse, tell_of_sleep
from services.routing.commands.items import audit_item, load, refuse
from services.routing.domain.queue import QueueAction, QueueObstacle, is_ahead
from services.routing.domain.waiting import escalate_at, is_snoozed
from services.routing.errors import SnoozeNotAhead
from services.routing.models import DispatchException
from services.routing.queries.operators import Owner


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
    """Done twice until the same time it is done once; it wakes by itself then. What nobody has becomes theirs."""
    loaded = await load(session, command.exception_id)
    item = loaded.item
    if item.is_open and is_snoozed(item.snoozed_until, now) and item.snoozed_until == command.until:
        return item
    refuse(QueueAction.SNOOZE, loaded, now)
    _refuse_other_times(command.until, now)
    before = item.owner_name
    if item.owner_id is None and command.by.id is not None:
        await give(session, item, loaded.dispatch, Owner(command.by.id, command.by.name), now)
    item.snoozed_until, item.snoozed_by, item.snooze_note = command.until, command.by.name, command.note
    await _count_from(session, item, command.until)
    tell_of_sleep(session, item, loaded.dispatch, now)
    await audit_item(
        session,
        item,
        "snooze_exception",
        command.by,
        now,
        before={"snoozed_until": None, "owner": before},
        after={"snoozed_until": command.until, "owner": item.owner_name},
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
    await _count_from(session, item, now)
    rouse(session, item, loaded.dispatch, now)
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


async def _count_from(session: AsyncSession, item: DispatchException, since: datetime) -> None:
    """Nobody is called for what slept; once it is awake they are, as for what was raised then."""
    if item.escalated_at is None:
        item.escalate_at = escalate_at(await care_of(session, item), since, is_owned=item.owner_id is not None)


def _refuse_other_times(until: datetime, now: datetime) -> None:
    if not is_ahead(until, now):
        fault = FieldError("until", "snooze_not_ahead", "Choose a time ahead, within a year")
        raise SnoozeNotAhead(QueueObstacle.NOT_AHEAD, errors=(fault,))
