"""An item of the exception queue as every deed on it begins: read under its lead's lock, and refused where it must."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from services.routing.commands.attempts import free_shares_of
from services.routing.domain.queue import ItemState, QueueAction, QueueObstacle, obstacle_to
from services.routing.domain.waiting import is_snoozed
from services.routing.errors import (
    ExceptionIsResolved,
    ExceptionOwnedByAnother,
    ExceptionSnoozed,
    LeadHasInstaller,
    LeadIsClosed,
    NothingToDispatch,
)
from services.routing.models import Assignment, Dispatch, DispatchException
from services.routing.queries import assignments, dispatches, exceptions


class Loaded(NamedTuple):
    """The item, its lead's dispatch, locked, and all assignments that the lead has had."""

    item: DispatchException
    dispatch: Dispatch
    earlier: Sequence[Assignment]

    def state(self, now: datetime) -> ItemState:
        return ItemState(
            is_open=self.item.is_open,
            is_closed=self.dispatch.closed_at is not None,
            free_shares=len(free_shares_of(self.dispatch, self.earlier)),
            is_owned=self.item.owner_id is not None,
            is_snoozed=is_snoozed(self.item.snoozed_until, now),
            has_installer=any(assignment.status.is_live for assignment in self.earlier),
        )


async def load(session: AsyncSession, exception_id: UUID) -> Loaded:
    lead_id = (await exceptions.get(session, exception_id)).lead_id
    dispatch = await dispatches.locked(session, lead_id)
    # Read again under the lock: somebody else may just have settled it.
    item = await exceptions.get(session, exception_id)
    return Loaded(item, dispatch, await assignments.of_lead(session, lead_id))


def refuse(action: QueueAction, loaded: Loaded, now: datetime) -> None:
    item, lead_id = loaded.item, loaded.dispatch.lead_id
    match obstacle_to(action, loaded.state(now)):
        case QueueObstacle.RESOLVED:
            raise ExceptionIsResolved(f"it was {item.resolution} by {item.resolved_by}", exception_id=item.id)
        case QueueObstacle.LEAD_CLOSED:
            raise LeadIsClosed("it was closed at its intake", lead_id=lead_id)
        case QueueObstacle.NO_FREE_SHARE:
            raise NothingToDispatch("all of its shares are given", lead_id=lead_id)
        case QueueObstacle.OWNED:
            raise ExceptionOwnedByAnother(f"{item.owner_name} has it", exception_id=item.id)
        case QueueObstacle.SNOOZED:
            raise ExceptionSnoozed(f"{item.snoozed_by} snoozed it", exception_id=item.id)
        case QueueObstacle.HAS_INSTALLER:
            raise LeadHasInstaller(QueueObstacle.HAS_INSTALLER, lead_id=lead_id)


async def audit_item(
    session: AsyncSession,
    item: DispatchException,
    action: str,
    by: Actor,
    now: datetime,
    *,
    before: dict[str, object],
    after: dict[str, object],
    note: str | None = None,
    reason: str | None = None,
) -> None:
    await audit.record(
        session,
        actor=by,
        action=action,
        subject=Subject("dispatch_exception", item.id),
        before=before,
        after={**after, "at": now},
        reason_code=reason,
        reason_text=note,
    )
