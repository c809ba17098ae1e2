"""Who has an item of the exception queue: two operators do not work on one without knowing of each other."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Actor
from chassis.errors import FieldError
from services.routing.commands.handing import give, take_away
from services.routing.commands.items import audit_item, load, refuse
from services.routing.domain.queue import QueueAction
from services.routing.errors import HandOverNeedsNote
from services.routing.models import DispatchException
from services.routing.queries.operators import Owner, owner_for


@dataclass(frozen=True, slots=True)
class ClaimException:
    exception_id: UUID
    by: Actor
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class HandOverException:
    """`note` is for who gets it, and needed where somebody has it."""

    exception_id: UUID
    to: UUID
    note: str | None
    by: Actor


@dataclass(frozen=True, slots=True)
class UnassignException:
    exception_id: UUID
    note: str | None
    by: Actor


async def claim_exception(session: AsyncSession, command: ClaimException, now: datetime) -> DispatchException:
    """Who comes second is refused; who claims their own again, not."""
    loaded = await load(session, command.exception_id)
    item = loaded.item
    if item.is_open and item.owner_id is not None and item.owner_id == command.by.id:
        return item
    refuse(QueueAction.CLAIM, loaded, now)
    assert command.by.id is not None  # noqa: S101  # only people claim
    await give(session, item, loaded.dispatch, Owner(command.by.id, command.by.name), now)
    await audit_item(
        session,
        item,
        "claim_exception",
        command.by,
        now,
        before={"owner": None},
        after={"owner": item.owner_name},
        note=command.reason,
    )
    return item


async def hand_over_exception(session: AsyncSession, command: HandOverException, now: datetime) -> DispatchException:
    """What nobody has is given, what somebody has is handed over: one deed by two names."""
    loaded = await load(session, command.exception_id)
    item = loaded.item
    if item.is_open and item.owner_id == command.to:
        return item
    refuse(QueueAction.HAND_OVER, loaded, now)
    if item.owner_id is not None and not command.note:
        fault = FieldError("note", "note_required", "Say what was done, and what is next")
        raise HandOverNeedsNote(f"{item.owner_name} has it", errors=(fault,), exception_id=item.id)
    before = item.owner_name
    await give(session, item, loaded.dispatch, await owner_for(session, command.to, command.by), now)
    await audit_item(
        session,
        item,
        "hand_over_exception",
        command.by,
        now,
        before={"owner": before},
        after={"owner": item.owner_name},
        note=command.note,
    )
    return item


async def unassign_exception(session: AsyncSession, command: UnassignException, now: datetime) -> DispatchException:
    """It is nobody's again, and for so long at the most as anything may be; what sleeps wakes with it."""
    loaded = await load(session, command.exception_id)
    item = loaded.item
    if item.is_open and item.owner_id is None:
        return item
    refuse(QueueAction.UNASSIGN, loaded, now)
    before: dict[str, object] = {"owner": item.owner_name, "snoozed_until": item.snoozed_until}
    await take_away(session, item, loaded.dispatch, now)
    await audit_item(
        session,
        item,
        "unassign_exception",
        command.by,
        now,
        before=before,
        after={"owner": None, "snoozed_until": item.snoozed_until},
        note=command.note,
    )
    return item
