"""Returns over HTTP: asked for on an installer's behalf, then accepted, denied or withdrawn."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.clock import Clock
from chassis.database import Database
from chassis.http import AwareInstant, Body, Given, Operator, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import CreditReason
from services.routing.commands import returns as commands
from services.routing.commands.returns import AcceptReturn, DenyReturn, RequestReturn, WithdrawReturn
from services.routing.domain.returns import (
    AskedBy,
    AskedVia,
    DenialCode,
    NoReason,
    ReturnAction,
    ReturnCode,
    ReturnState,
    RuleVerdict,
    obstacle_to_deciding,
)
from services.routing.errors import ReturnReasonRefused
from services.routing.http.fields import Note, Why
from services.routing.http.lead_views import FromRow
from services.routing.models import Return
from services.routing.queries import returns as queries
from services.routing.queries.installers import names_of
from services.routing.settings import Settings

READ, WRITE = Capability.READ_OPS, Capability.WRITE_ROUTING


class ReturnBody(Body):
    """`words` are what the installer says; a code that is no reason is refused by name. Sent twice it is one."""

    id: UUID
    code: ReturnCode | NoReason
    words: Note
    asked_by: AskedBy = AskedBy.INSTALLER
    channel: AskedVia = AskedVia.API


class AcceptBody(Body):
    """`credit_reason` and `is_offered_on` are for codes that leave them open; without, there is neither.

    Where the quota of its cycle is used, `note` is needed.
    """

    credit_reason: CreditReason | None = None
    is_offered_on: bool = False
    note: Note | None = None


class DenyBody(Body):
    """`note` goes to the installer by mail, word for word."""

    denial_code: DenialCode
    note: Note


class ReturnView(FromRow):
    """`evidence` is what the system knew when it was asked for; `credit_*` is what billing answered last."""

    id: UUID
    assignment_id: UUID
    lead_id: UUID
    installer_id: UUID
    installer_name: str = ""
    code: ReturnCode
    words: str
    asked_by: AskedBy
    channel: AskedVia
    requested_at: datetime
    requested_by_name: str
    decide_by: datetime
    is_late: bool = False
    evidence: dict[str, Any]
    rule_verdict: RuleVerdict
    rule_reason: str
    is_over_quota: Annotated[bool, Field(description="one more than the quota, as of the request or the acceptance")]
    state: ReturnState
    decided_at: datetime | None
    decided_by_name: str | None
    decided_by_rule: bool
    denial_code: DenialCode | None
    decision_note: str | None
    credit_reason: CreditReason | None
    is_offered_on: bool | None
    credit_result: str | None
    credit_detail: str | None
    credit_invoice_id: UUID | None
    available_actions: Annotated[list[ReturnAction], Field(description="what can be done with it now")] = []

    @classmethod
    def of(cls, asked: Return, installer_name: str, now: datetime) -> "ReturnView":
        can = obstacle_to_deciding(asked.state) is None
        more = {
            "installer_name": installer_name,
            "is_late": asked.state is ReturnState.REQUESTED and now >= asked.decide_by,
            "available_actions": list(ReturnAction) if can else [],
        }
        return cls.model_validate(asked).model_copy(update=more)


@post("/admin/assignments/{assignment_id:uuid}/returns", guards=[requires(WRITE)])
async def request_return(
    assignment_id: FromPath[UUID],
    data: JSONBody[ReturnBody],
    database: Given[Database],
    clock: Given[Clock],
    settings: Given[Settings],
    operator: Given[Operator],
) -> ReturnView:
    """Take a return from an installer. Where a rule is sure it is decided at once; otherwise it waits for you."""
    if isinstance(data.code, NoReason):
        raise ReturnReasonRefused(f"{data.code} is a matter of the sale", assignment_id=assignment_id)
    command = RequestReturn(
        return_id=data.id,
        assignment_id=assignment_id,
        code=data.code,
        words=data.words,
        asked_by=data.asked_by,
        channel=data.channel,
        by=operator,
    )
    async with database.transaction() as session:
        return await _view(session, await commands.request_return(session, command, clock.now(), settings.zone), clock)


@get("/admin/returns", guards=[requires(READ)])
async def list_returns(
    database: Given[Database],
    clock: Given[Clock],
    page: Given[PageRequest],
    standing: Annotated[ReturnState | None, QueryParameter(name="state")] = None,
    code: FromQuery[ReturnCode | None] = None,
    installer_id: FromQuery[UUID | None] = None,
    lead_id: FromQuery[UUID | None] = None,
    assignment_id: FromQuery[UUID | None] = None,
    decide_before: Annotated[AwareInstant | None, QueryParameter(description="only those that wait till then")] = None,
    over_quota: FromQuery[bool | None] = None,
) -> Page[ReturnView]:
    """Newest first."""
    wanted = queries.ReturnFilter(standing, code, installer_id, lead_id, assignment_id, decide_before, over_quota)
    async with database.reading() as session:
        found = await queries.list_returns(session, wanted, page)
        names = await names_of(session, [asked.installer_id for asked in found])
    now = clock.now()
    return page.page(found, queries.place_of, lambda asked: ReturnView.of(asked, names[asked.installer_id], now))


@get("/admin/returns/{return_id:uuid}", guards=[requires(READ)])
async def get_return(return_id: FromPath[UUID], database: Given[Database], clock: Given[Clock]) -> ReturnView:
    async with database.reading() as session:
        return await _view(session, await queries.get(session, return_id), clock)


@post("/admin/returns/{return_id:uuid}/accept", guards=[requires(WRITE)], status_code=200)
async def accept_return(
    return_id: FromPath[UUID],
    data: JSONBody[AcceptBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ReturnView:
    """Take the lead back: its place is free, a credit is proposed to finance, and others may get it."""
    command = AcceptReturn(return_id, operator, data.credit_reason, data.is_offered_on, data.note)
    async with database.transaction() as session:
        return await _view(session, await commands.accept_return(session, command, clock.now()), clock)


@post("/admin/returns/{return_id:uuid}/deny", guards=[requires(WRITE)], status_code=200)
async def deny_return(
    return_id: FromPath[UUID],
    data: JSONBody[DenyBody],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> ReturnView:
    """The installer keeps the lead, and is told why by mail."""
    command = DenyReturn(return_id, data.denial_code, data.note, operator)
    async with database.transaction() as session:
        return await _view(session, await commands.deny_return(session, command, clock.now()), clock)


@post("/admin/returns/{return_id:uuid}/withdraw", guards=[requires(WRITE)], status_code=200)
async def withdraw_return(
    return_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Why | None] = None,
) -> ReturnView:
    """The installer keeps the lead after all."""
    async with database.transaction() as session:
        command = WithdrawReturn(return_id, operator, data.reason if data else None)
        return await _view(session, await commands.withdraw_return(session, command, clock.now()), clock)


async def _view(session: AsyncSession, asked: Return, clock: Clock) -> ReturnView:
    names = await names_of(session, [asked.installer_id])
    return ReturnView.of(asked, names[asked.installer_id], clock.now())


ROUTES = (request_return, list_returns, get_return, accept_return, deny_return, withdraw_return)
