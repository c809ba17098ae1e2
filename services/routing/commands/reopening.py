"""Leads that are open again at their intake: whoever lacks them may get them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.causation import Cause
from services.routing.commands.attempts import Attempt, decide_all
from services.routing.commands.closing import LEAD_CLOSED
from services.routing.commands.conclusions import publish, write
from services.routing.commands.queueing import Raising, raise_items
from services.routing.domain.states import AssignmentStatus, DispatchStatus, ExceptionReason, Trigger
from services.routing.models import Assignment, Dispatch, EarlyClosing, LeadContact
from services.routing.queries.assignments import of_leads
from services.routing.queries.dispatches import auto_dispatch, contacts_of, locked_all

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ReopenLead:
    """`cause` is intake's event."""

    lead_id: UUID
    reopened_at: datetime
    cause: Cause | None = None


async def reopen_leads(session: AsyncSession, commands: Sequence[ReopenLead], now: datetime) -> None:
    """Nobody is kept from the lead any more. Where nobody has it, it is dispatched anew; where its closing took it back
    from somebody, an operator says what now: they may know of it already. Opened twice is opened once.

    One that is not known here is closed no more when it comes.
    """
    causes = {command.lead_id: command.cause for command in commands}
    dispatches = await locked_all(session, causes)
    await session.execute(delete(EarlyClosing).where(EarlyClosing.lead_id.in_(list(causes))))
    closed = {lead_id: each for lead_id, each in dispatches.items() if each.closed_at is not None}
    if not closed:
        return
    ground = await _ground(session, closed)
    attempts: list[Attempt] = []
    raisings: list[Raising] = []
    for lead_id, dispatch in closed.items():
        match _what_now(dispatch, ground, causes[lead_id]):
            case Attempt() as attempt:
                attempts.append(attempt)
            case Raising() as raising:
                raisings.append(raising)
        _open(dispatch, now)
    await _carry_out(session, attempts, raisings, now)


class _Ground(NamedTuple):
    """What of the leads is known, and whether leads are dispatched by themselves."""

    earlier: Mapping[UUID, Sequence[Assignment]]
    contacts: Mapping[UUID, LeadContact]
    is_on: bool


async def _ground(session: AsyncSession, closed: Mapping[UUID, Dispatch]) -> _Ground:
    earlier: dict[UUID, list[Assignment]] = {lead_id: [] for lead_id in closed}
    for assignment in await of_leads(session, closed):
        earlier[assignment.lead_id].append(assignment)
    return _Ground(earlier, await contacts_of(session, closed), (await auto_dispatch(session)).is_enabled)


def _what_now(dispatch: Dispatch, ground: _Ground, cause: Cause | None) -> Attempt | Raising | None:
    earlier = ground.earlier[dispatch.lead_id]
    taken_back = sum(_was_taken_back(each, dispatch) for each in earlier)
    if taken_back:
        detail = f"its closing took it back from {taken_back} of its installers before they had it"
        return Raising(dispatch, ExceptionReason.REOPENED, detail, cause=cause)
    if any(each.status.is_live for each in earlier):
        return None
    if dispatch.status is DispatchStatus.DELIVERED:
        return Raising(dispatch, ExceptionReason.REOPENED, "whoever had it gave it back", cause=cause)
    contact = ground.contacts.get(dispatch.lead_id)
    person = contact.person if contact is not None else None
    if person is None:
        detail = "the person behind the lead is not known any more"
        return Raising(dispatch, ExceptionReason.CONTACT_MISSING, detail, cause=cause)
    if not ground.is_on:
        return Raising(dispatch, ExceptionReason.AUTO_DISPATCH_OFF, "auto-dispatch is switched off", cause=cause)
    return Attempt(dispatch, person, Trigger.REOPENED, cause, earlier)


def _was_taken_back(assignment: Assignment, dispatch: Dispatch) -> bool:
    """By this closing, and not by one before."""
    is_cancelled = assignment.status is AssignmentStatus.CANCELLED and assignment.ended_reason == LEAD_CLOSED
    return is_cancelled and dispatch.closed_at is not None and (assignment.ended_at or NEVER) >= dispatch.closed_at


def _open(dispatch: Dispatch, now: datetime) -> None:
    """Waits for somebody again, unless somebody has it."""
    dispatch.closed_at = None
    if dispatch.status is DispatchStatus.CLOSED:
        dispatch.status, dispatch.status_since = DispatchStatus.EXCEPTION, now


async def _carry_out(
    session: AsyncSession, attempts: Sequence[Attempt], raisings: Sequence[Raising], now: datetime
) -> None:
    decided = await decide_all(session, attempts, now)
    publish(session, decided.outcomes, now)
    unserved = [outcome.raising for outcome in decided.outcomes if outcome.raising is not None]
    items = await raise_items(session, [*raisings, *unserved], now)
    await session.flush()
    await write(session, decided, now)
    session.add_all(items)
