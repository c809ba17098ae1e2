"""The exception queue over HTTP: leads that wait for an operator, and what one can do for them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.routing.commands import exceptions as commands
from services.routing.commands.exceptions import AssignByHand, ResolveException, RetryDispatch
from services.routing.domain.states import ExceptionReason
from services.routing.domain.waiting import WaitKind
from services.routing.http.fields import Note, Why
from services.routing.http.lead_views import DispatchView, ExceptionRow, ExceptionView
from services.routing.http.leads import show_dispatch
from services.routing.models import DispatchException
from services.routing.queries import dispatches
from services.routing.queries import exceptions as queries


class QueueState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    ALL = "all"

    @property
    def is_open(self) -> bool | None:
        """None where it does not matter."""
        return None if self is QueueState.ALL else self is QueueState.OPEN


class ExceptionDetail(BaseModel):
    """An item, and where its lead stands now."""

    item: ExceptionView
    dispatch: DispatchView


class AssignBody(Body):
    """`override_cap` lets the installers have the lead beyond their caps, and then `reason` is required."""

    installer_ids: Annotated[list[UUID], Field(min_length=1, max_length=3)]
    override_cap: bool = False
    reason: Annotated[Note | None, Field(validate_default=True)] = None

    @field_validator("reason")
    @classmethod
    def _says_why(cls, reason: str | None, given: ValidationInfo) -> str | None:
        if given.data.get("override_cap") and reason is None:
            raise PydanticCustomError("reason_required", "an override of the caps needs a reason")
        return reason


class ResolveBody(Body):
    reason: Note


@get("/admin/dispatch-exceptions", guards=[requires(Capability.READ_OPS)])
async def list_dispatch_exceptions(
    database: Given[Database],
    clock: Given[Clock],
    page: Given[PageRequest],
    queue: Annotated[QueueState, QueryParameter(name="state")] = QueueState.OPEN,
    reason: FromQuery[ExceptionReason | None] = None,
    lead_id: FromQuery[UUID | None] = None,
    raised_before: Annotated[AwareInstant | None, QueryParameter(description="only those that are older")] = None,
    kind: FromQuery[WaitKind | None] = None,
    owner_id: FromQuery[UUID | None] = None,
    unowned: FromQuery[bool | None] = None,
    snoozed: FromQuery[bool | None] = None,
    due: Annotated[bool | None, QueryParameter(description="those that nobody saw to in time")] = None,
) -> Page[ExceptionRow]:
    """The longest waiting first."""
    wanted = queries.ExceptionFilter(
        queue.is_open, reason, lead_id, raised_before, kind, owner_id, unowned, snoozed, due
    )
    now = clock.now()
    async with database.reading() as session:
        found = await queries.list_items(session, wanted, page, now)
    return page.page(found, lambda row: queries.place_of(row[0]), lambda row: ExceptionRow.with_lead(*row, now))


@get("/admin/dispatch-exceptions/{exception_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_dispatch_exception(
    exception_id: FromPath[UUID], database: Given[Database], clock: Given[Clock]
) -> ExceptionDetail:
    async with database.reading() as session:
        return await detail_of(session, await queries.get(session, exception_id), clock.now())


@post(
    "/admin/dispatch-exceptions/{exception_id:uuid}/assign",
    guards=[requires(Capability.WRITE_ROUTING)],
    status_code=200,
)
async def assign_dispatch_exception(
    exception_id: FromPath[UUID],
    data: JSONBody[AssignBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ExceptionDetail:
    """Give the lead to installers of your choice: all of them, or none and what is in the way of each.

    Service, territory and an earlier failure do not matter here; the status and, unless overridden, the caps do.
    """
    named = tuple(dict.fromkeys(data.installer_ids))
    command = AssignByHand(exception_id, named, operator, data.reason, data.override_cap)
    async with database.transaction() as session:
        item = await commands.assign_by_hand(session, command, clock.now())
        return await detail_of(session, item, clock.now())


@post(
    "/admin/dispatch-exceptions/{exception_id:uuid}/retry",
    guards=[requires(Capability.WRITE_ROUTING)],
    status_code=200,
)
async def retry_dispatch_exception(
    exception_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Why | None] = None,
) -> ExceptionDetail:
    """Run dispatch again for the shares that are free, by the rules and caps of now. Asked twice it is run once."""
    command = RetryDispatch(exception_id, operator, data.reason if data else None)
    async with database.transaction() as session:
        item = await commands.retry_dispatch(session, command, clock.now())
        return await detail_of(session, item, clock.now())


@post(
    "/admin/dispatch-exceptions/{exception_id:uuid}/resolve",
    guards=[requires(Capability.WRITE_ROUTING)],
    status_code=200,
)
async def resolve_dispatch_exception(
    exception_id: FromPath[UUID],
    data: JSONBody[ResolveBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ExceptionDetail:
    """Set the item aside; the lead stays as it is."""
    command = ResolveException(exception_id, data.reason, operator)
    async with database.transaction() as session:
        item = await commands.resolve_exception(session, command, clock.now())
        return await detail_of(session, item, clock.now())


async def detail_of(session: AsyncSession, item: DispatchException, now: datetime) -> ExceptionDetail:
    dispatch = await dispatches.get(session, item.lead_id)
    view = await show_dispatch(session, dispatch, now)
    free_shares = view.shares_wanted - view.shares_live
    return ExceptionDetail(item=ExceptionView.of(item, dispatch, free_shares, now), dispatch=view)


ROUTES = (
    list_dispatch_exceptions,
    get_dispatch_exception,
    assign_dispatch_exception,
    retry_dispatch_exception,
    resolve_dispatch_exception,
)
