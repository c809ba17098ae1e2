"""Who has an item of the exception queue, and putting it off or its lead away, over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody
from pydantic import Field

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from contracts.identity import Capability
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
from services.routing.domain.states import RejectReason
from services.routing.http.exceptions import ExceptionDetail, detail_of
from services.routing.http.fields import Note, Why

AT = "/admin/dispatch-exceptions/{exception_id:uuid}"
MAY = [requires(Capability.WRITE_ROUTING)]


class HandOverBody(Body):
    """The note is for who gets it, and needed where somebody has it."""

    owner_id: Annotated[UUID, Field(strict=False)]
    note: Note | None = None


class UnassignBody(Body):
    note: Note | None = None


class SnoozeBody(Body):
    until: AwareInstant
    note: Note


class RejectBody(Body):
    reason: Annotated[RejectReason, Field(strict=False)]
    note: Note | None = None


@post(AT + "/claim", guards=MAY, status_code=200)
async def claim_dispatch_exception(
    exception_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Why | None] = None,
) -> ExceptionDetail:
    """You have it from now on. What somebody has is handed over by them, not taken."""
    now = clock.now()
    async with database.transaction() as session:
        command = ClaimException(exception_id, operator, data.reason if data else None)
        return await detail_of(session, await claim_exception(session, command, now), now)


@post(AT + "/hand-over", guards=MAY, status_code=200)
async def hand_over_dispatch_exception(
    exception_id: FromPath[UUID],
    data: JSONBody[HandOverBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ExceptionDetail:
    """Give it to an operator, whether somebody has it or nobody."""
    now = clock.now()
    async with database.transaction() as session:
        command = HandOverException(exception_id, data.owner_id, data.note, operator)
        return await detail_of(session, await hand_over_exception(session, command, now), now)


@post(AT + "/unassign", guards=MAY, status_code=200)
async def unassign_dispatch_exception(
    exception_id: FromPath[UUID],
    data: JSONBody[UnassignBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ExceptionDetail:
    """It is nobody's then, and what sleeps wakes with it: somebody is called if it stays so for too long."""
    now = clock.now()
    async with database.transaction() as session:
        command = UnassignException(exception_id, data.note, operator)
        return await detail_of(session, await unassign_exception(session, command, now), now)


@post(AT + "/snooze", guards=MAY, status_code=200)
async def snooze_dispatch_exception(
    exception_id: FromPath[UUID],
    data: JSONBody[SnoozeBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ExceptionDetail:
    """Until then it is not tried again and nobody is called; it wakes by itself. What nobody has becomes yours."""
    now = clock.now()
    async with database.transaction() as session:
        command = SnoozeException(exception_id, data.until, data.note, operator)
        return await detail_of(session, await snooze_exception(session, command, now), now)


@post(AT + "/wake", guards=MAY, status_code=200)
async def wake_dispatch_exception(
    exception_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Why | None] = None,
) -> ExceptionDetail:
    now = clock.now()
    async with database.transaction() as session:
        command = WakeException(exception_id, operator, data.reason if data else None)
        return await detail_of(session, await wake_exception(session, command, now), now)


@post(AT + "/reject", guards=MAY, status_code=200)
async def reject_dispatch_exception(
    exception_id: FromPath[UUID],
    data: JSONBody[RejectBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ExceptionDetail:
    """The lead goes to nobody: it is closed at its intake, and all that waits for it here is settled."""
    now = clock.now()
    async with database.transaction() as session:
        command = RejectException(exception_id, data.reason, data.note, operator)
        return await detail_of(session, await reject_exception(session, command, now), now)


ROUTES = (
    claim_dispatch_exception,
    hand_over_dispatch_exception,
    reject_dispatch_exception,
    snooze_dispatch_exception,
    unassign_dispatch_exception,
    wake_dispatch_exception,
)
