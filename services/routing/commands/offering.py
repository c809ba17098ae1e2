"""What becomes of a lead that its installer gave back: offered on, left to operators, or nobody's any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.audit import Actor
from contracts.routing import DispatchReopened
from services.routing.commands.attempts import Attempt, decide_all
from services.routing.commands.caps import move
from services.routing.commands.conclusions import publish, write
from services.routing.commands.queueing import Raising, Settlement, raise_items, resolve_items
from services.routing.domain.counting import CapMove
from services.routing.domain.returns import Offering, offering_of
from services.routing.domain.states import AssignmentStatus, DispatchStatus, ExceptionReason, Resolution, Trigger
from services.routing.models import Assignment, Dispatch
from services.routing.queries import assignments
from services.routing.queries.candidates import territories
from services.routing.queries.counters import lock_turns
from services.routing.queries.dispatches import auto_dispatch, contact_of
from services.routing.queries.exceptions import open_items


@dataclass(frozen=True, slots=True)
class GivenBack:
    """`assignment` has ended and frees `moves`; its lead's dispatch is locked. `code` is why it was given back."""

    dispatch: Dispatch
    assignment: Assignment
    moves: Sequence[CapMove]
    code: str
    is_offered_on: bool
    by: Actor


async def let_go(session: AsyncSession, given: GivenBack, now: datetime) -> None:
    """The place is free, and the lead goes on: counters are locked once, last, and all that are needed."""
    dispatch = given.dispatch
    # Its share has to be free before somebody else has it.
    await session.flush()
    earlier = await assignments.of_lead(session, dispatch.lead_id)
    has_others = any(each.status.is_live for each in earlier)
    is_closed = dispatch.closed_at is not None
    if not is_closed and not any(each.status is AssignmentStatus.SENT for each in earlier):
        reopen(session, dispatch, given.code, now, has_others=has_others)
    offering = offering_of(is_offered_on=given.is_offered_on, is_closed=is_closed, has_others=has_others)
    if offering is Offering.ON:
        raising = await _offer_on(session, given, earlier, now)
    else:
        await move(session, given.moves)
        raising = _left(given) if offering is Offering.TO_OPERATORS else None
    if raising is not None and not has_others:
        session.add_all(await raise_items(session, [raising], now, [dispatch]))


def reopen(session: AsyncSession, dispatch: Dispatch, reason_code: str, now: datetime, *, has_others: bool) -> None:
    """What was delivered is so no more: nobody has the lead. `has_others`: somebody is about to get it."""
    if dispatch.status is not DispatchStatus.DELIVERED:
        return
    dispatch.status = DispatchStatus.DISPATCHING if has_others else DispatchStatus.EXCEPTION
    dispatch.status_since = now
    event = DispatchReopened(lead_id=dispatch.lead_id, reason_code=reason_code, reopened_at=now)
    outbox.add(session, event, version=dispatch.next_version())


def _left(given: GivenBack) -> Raising:
    detail = f"its installer returned it: {given.code}"
    return Raising(given.dispatch, ExceptionReason.RETURNED, detail, given.assignment.id)


async def _offer_on(
    session: AsyncSession, given: GivenBack, earlier: Sequence[Assignment], now: datetime
) -> Raising | None:
    """By the rules and caps of now, and never to whoever gave it back; None where somebody gets it."""
    dispatch = given.dispatch
    contact = await contact_of(session, dispatch.lead_id)
    if contact is None or not (await auto_dispatch(session)).is_enabled:
        await move(session, given.moves)
        return _kept_back(given, is_known=contact is not None)
    await _lock_counters(session, given)
    await move(session, given.moves)
    attempt = Attempt(
        dispatch=dispatch,
        contact=contact,
        trigger=Trigger.RETURN,
        earlier=earlier,
        by=given.by if given.by.id else None,
    )
    decided = await decide_all(session, [attempt], now)
    [outcome] = decided.outcomes
    publish(session, decided.outcomes, now)
    await write(session, decided, now)
    if outcome.shares:
        await _settle(session, given, now)
    return outcome.raising


def _kept_back(given: GivenBack, *, is_known: bool) -> Raising:
    if is_known:
        return Raising(given.dispatch, ExceptionReason.AUTO_DISPATCH_OFF, "auto-dispatch is switched off")
    detail = "the person behind the lead is not known any more"
    return Raising(given.dispatch, ExceptionReason.CONTACT_MISSING, detail)


async def _lock_counters(session: AsyncSession, given: GivenBack) -> None:
    """Of whoever gave it back and of all who may get it, in one go and in their order: nobody waits in a circle."""
    [covering] = (await territories(session, [given.dispatch.location])).values()
    wanted: set[UUID] = {given.assignment.installer_id, *covering}
    await lock_turns(session, wanted)


async def _settle(session: AsyncSession, given: GivenBack, now: datetime) -> None:
    """Whatever waited for somebody to get the lead."""
    waiting = await open_items(session, [given.dispatch.lead_id])
    cured = [item for item in waiting if item.reason.is_cured_by_assigning]
    resolve_items(session, given.dispatch, cured, Settlement(Resolution.RETRIED, given.by.name), now)
