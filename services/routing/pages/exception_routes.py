"""The forms of an item's page: each does one deed, unless somebody did another since the page was shown."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.audit import Subject
from chassis.clock import Clock
from chassis.console import Console, form_at
from chassis.console.fields import instant_of
from chassis.console.timeline import refuse_if_changed
from chassis.database import Database
from chassis.http import Given, Operator
from services.routing.commands.exceptions import (
    AssignByHand,
    ResolveException,
    RetryDispatch,
    assign_by_hand,
    resolve_exception,
    retry_dispatch,
)
from services.routing.commands.owning import (
    ClaimException,
    HandOverException,
    UnassignException,
    claim_exception,
    hand_over_exception,
    unassign_exception,
)
from services.routing.commands.rejecting import RejectException, reject_exception
from services.routing.commands.snoozing import SnoozeException, WakeException, snooze_exception, wake_exception
from services.routing.domain.queue import QueueAction
from services.routing.pages.exception_forms import (
    WRITE,
    AssignForm,
    HandOverForm,
    RejectForm,
    ResolveForm,
    RetryForm,
    SnoozeForm,
    UnassignForm,
)
from services.routing.pages.telling import EXCEPTIONS as PATH

AT = PATH + "/{exception_id:uuid}"
Deed = Callable[[AsyncSession, datetime], Awaitable[object]]


async def _do(
    console: Console, database: Database, now: datetime, what: tuple[UUID, UUID | None, QueueAction], deed: Deed
) -> Redirect:
    """`what` is the item, what the page had seen of it, and the deed's name; back to the page, where it stands."""
    exception_id, seen, name = what
    async with database.transaction() as session:
        await refuse_if_changed(session, Subject("dispatch_exception", exception_id), seen)
        await deed(session, now)
    return console.redirect(f"{PATH}/{exception_id}?done={name}")


@form_at(AT + "/retry", WRITE)
async def retry_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[RetryForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = RetryDispatch(exception_id, operator)
    what = (exception_id, data.seen, QueueAction.RETRY)
    return await _do(console, database, clock.now(), what, lambda s, now: retry_dispatch(s, command, now))


@form_at(AT + "/assign", WRITE)
async def assign_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[AssignForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    named = tuple(dict.fromkeys(data.installer_ids))
    command = AssignByHand(exception_id, named, operator, data.reason, data.override_cap)
    what = (exception_id, data.seen, QueueAction.ASSIGN)
    return await _do(console, database, clock.now(), what, lambda s, now: assign_by_hand(s, command, now))


@form_at(AT + "/claim", WRITE)
async def claim_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[RetryForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = ClaimException(exception_id, operator)
    what = (exception_id, data.seen, QueueAction.CLAIM)
    return await _do(console, database, clock.now(), what, lambda s, now: claim_exception(s, command, now))


@form_at(AT + "/hand-over", WRITE)
async def hand_over_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[HandOverForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = HandOverException(exception_id, data.owner_id, data.note, operator)
    what = (exception_id, data.seen, QueueAction.HAND_OVER)
    return await _do(console, database, clock.now(), what, lambda s, now: hand_over_exception(s, command, now))


@form_at(AT + "/unassign", WRITE)
async def unassign_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[UnassignForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = UnassignException(exception_id, data.note, operator)
    what = (exception_id, data.seen, QueueAction.UNASSIGN)
    return await _do(console, database, clock.now(), what, lambda s, now: unassign_exception(s, command, now))


@form_at(AT + "/snooze", WRITE)
async def snooze_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[SnoozeForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    until = instant_of(data.until, console.wording.zone)
    command = SnoozeException(exception_id, until, data.note, operator)
    what = (exception_id, data.seen, QueueAction.SNOOZE)
    return await _do(console, database, clock.now(), what, lambda s, now: snooze_exception(s, command, now))


@form_at(AT + "/wake", WRITE)
async def wake_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[RetryForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = WakeException(exception_id, operator)
    what = (exception_id, data.seen, QueueAction.WAKE)
    return await _do(console, database, clock.now(), what, lambda s, now: wake_exception(s, command, now))


@form_at(AT + "/reject", WRITE)
async def reject_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[RejectForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = RejectException(exception_id, data.reason, data.note, operator)
    what = (exception_id, data.seen, QueueAction.REJECT)
    return await _do(console, database, clock.now(), what, lambda s, now: reject_exception(s, command, now))


@form_at(AT + "/resolve", WRITE)
async def resolve_by_form(
    exception_id: FromPath[UUID],
    data: JSONBody[ResolveForm],
    console: Given[Console],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> Redirect:
    command = ResolveException(exception_id, data.reason, operator)
    what = (exception_id, data.seen, QueueAction.RESOLVE)
    return await _do(console, database, clock.now(), what, lambda s, now: resolve_exception(s, command, now))


ROUTES = (
    assign_by_form,
    claim_by_form,
    hand_over_by_form,
    reject_by_form,
    resolve_by_form,
    retry_by_form,
    snooze_by_form,
    unassign_by_form,
    wake_by_form,
)
