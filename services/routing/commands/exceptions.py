"""What operators do with an item of the exception queue: assign by hand, try again, set it aside."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from chassis.errors import FieldError
from services.routing.commands.attempts import Attempt, Outcome, decide_all
from services.routing.commands.conclusions import publish, write
from services.routing.commands.items import load, refuse
from services.routing.commands.queueing import Raising, Settlement, raise_items, resolve_items
from services.routing.domain.eligibility import CAPS, WAIVED_BY_HAND
from services.routing.domain.person import Person
from services.routing.domain.queue import QueueAction
from services.routing.domain.states import Resolution, Trigger
from services.routing.errors import (
    ContactMissing,
    NotEligible,
    TooManyInstallers,
)
from services.routing.models import Assignment, Dispatch, DispatchException
from services.routing.queries import dispatches, exceptions, installers


@dataclass(frozen=True, slots=True)
class AssignByHand:
    """`reason` is the operator's own words; `overrides_caps` lets the installers have the lead beyond their caps."""

    exception_id: UUID
    installer_ids: tuple[UUID, ...]
    by: Actor
    reason: str | None = None
    overrides_caps: bool = False


@dataclass(frozen=True, slots=True)
class RetryDispatch:
    exception_id: UUID
    by: Actor
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ResolveException:
    exception_id: UUID
    reason: str
    by: Actor


async def assign_by_hand(session: AsyncSession, command: AssignByHand, now: datetime) -> DispatchException:
    """All of the named installers get the lead, or none: then it is said what is in the way of each."""
    loaded = await load(session, command.exception_id)
    item, dispatch, earlier = loaded
    if not item.is_open and _all_have_it(earlier, command.installer_ids):
        return item
    refuse(QueueAction.ASSIGN, loaded, now)
    await installers.refuse_unknown(session, command.installer_ids)
    attempt = Attempt(
        dispatch=dispatch,
        contact=await _contact(session, dispatch),
        trigger=Trigger.BY_HAND,
        earlier=earlier,
        named=command.installer_ids,
        waived=WAIVED_BY_HAND | (CAPS if command.overrides_caps else frozenset()),
        by=command.by,
        reason=command.reason,
        overrides_caps=command.overrides_caps,
    )
    _refuse_too_many(attempt)
    outcome = await _run(session, attempt, now)
    await _leave_queue(session, dispatch, item, Settlement(Resolution.ASSIGNED, command.by.name), now)
    await _audit(session, attempt, item, outcome)
    return item


async def retry_dispatch(session: AsyncSession, command: RetryDispatch, now: datetime) -> DispatchException:
    """Runs dispatch again for the free shares, by the rules as they are now and whatever the switch says."""
    loaded = await load(session, command.exception_id)
    item, dispatch, earlier = loaded
    if item.resolution is Resolution.RETRIED:
        return item
    refuse(QueueAction.RETRY, loaded, now)
    attempt = Attempt(
        dispatch=dispatch,
        contact=await _contact(session, dispatch),
        trigger=Trigger.RETRY,
        earlier=earlier,
        by=command.by,
        reason=command.reason,
    )
    outcome = await _run(session, attempt, now)
    if outcome.raising is None:
        await _leave_queue(session, dispatch, item, Settlement(Resolution.RETRIED, command.by.name), now)
    else:
        await _stay_in_queue(session, item, outcome.raising, Settlement(Resolution.SUPERSEDED, command.by.name), now)
    await _audit(session, attempt, item, outcome)
    return item


async def resolve_exception(session: AsyncSession, command: ResolveException, now: datetime) -> DispatchException:
    """Sets the item aside; the lead stays as it is."""
    item, dispatch, _ = await load(session, command.exception_id)
    if not item.is_open:
        return item
    settlement = Settlement(Resolution.BY_OPERATOR, command.by.name, command.reason)
    resolve_items(session, dispatch, [item], settlement, now)
    await audit.record(
        session,
        actor=command.by,
        action="resolve_exception",
        subject=Subject("dispatch_exception", item.id),
        before={"is_open": True},
        after={"is_open": False, "resolution": settlement.resolution},
        reason_text=command.reason,
    )
    return item


def _all_have_it(earlier: Sequence[Assignment], installer_ids: Sequence[UUID]) -> bool:
    return set(installer_ids) <= {assignment.installer_id for assignment in earlier if assignment.status.is_live}


def _refuse_too_many(attempt: Attempt) -> None:
    free = len(attempt.free_shares)
    if attempt.wanted_count > free:
        detail = f"{attempt.wanted_count} installers were named and {free} shares are free"
        raise TooManyInstallers(detail, lead_id=attempt.dispatch.lead_id)


async def _contact(session: AsyncSession, dispatch: Dispatch) -> Person:
    contact = await dispatches.contact_of(session, dispatch.lead_id)
    if contact is None:
        raise ContactMissing("the person was erased, or never known here", lead_id=dispatch.lead_id)
    return contact


async def _run(session: AsyncSession, attempt: Attempt, now: datetime) -> Outcome:
    decided = await decide_all(session, [attempt], now)
    [outcome] = decided.outcomes
    _refuse_ineligible(outcome)
    publish(session, [outcome], now)
    await write(session, decided, now)
    return outcome


def _refuse_ineligible(outcome: Outcome) -> None:
    """Names every rule that is in the way of every installer that was chosen by hand."""
    if outcome.refusals:
        faults = [
            FieldError(f"installer_ids.{installer_id}", verdict.rule, verdict.reason_code)
            for installer_id, verdict in outcome.refusals
        ]
        raise NotEligible(outcome.summary, errors=tuple(faults), lead_id=outcome.attempt.dispatch.lead_id)


async def _leave_queue(
    session: AsyncSession, dispatch: Dispatch, item: DispatchException, settlement: Settlement, now: datetime
) -> None:
    """The lead has an installer: whatever waited for that is settled with the item that the operator acted on."""
    waiting = await exceptions.open_items(session, [dispatch.lead_id])
    cured = [each for each in waiting if each.id == item.id or each.reason.is_cured_by_assigning]
    resolve_items(session, dispatch, cured, settlement, now)


async def _stay_in_queue(
    session: AsyncSession, item: DispatchException, raising: Raising, settlement: Settlement, now: datetime
) -> None:
    """The item that says the same counts once more; one with another reason becomes this one."""
    if item.reason is not raising.reason:
        resolve_items(session, raising.dispatch, [item], settlement, now)
        raising = replace(raising, instead_of=item)
    session.add_all(await raise_items(session, [raising], now))


async def _audit(session: AsyncSession, attempt: Attempt, item: DispatchException, outcome: Outcome) -> None:
    after = {
        "decision_id": outcome.decision_id,
        "assignment_ids": [share.assignment_id for share in outcome.shares],
        "is_open": item.is_open,
        **({"overrides_caps": True} if attempt.overrides_caps else {}),
    }
    await audit.record(
        session,
        actor=attempt.by or audit.SYSTEM,
        action="assign_by_hand" if attempt.trigger is Trigger.BY_HAND else "retry_dispatch",
        subject=Subject("dispatch_exception", item.id),
        before={"is_open": True},
        after=after,
        reason_text=attempt.reason,
    )
