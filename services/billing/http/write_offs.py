"""Write-offs over HTTP, and the second operator's say."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Operator, requires
from chassis.ids import new_id
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from services.billing.commands.adjusting import Decider
from services.billing.commands.house import House
from services.billing.commands.write_offs import (
    AskWriteOff,
    ReverseWriteOff,
    approve_write_off,
    ask_write_off,
    reject_write_off,
    reverse_write_off,
)
from services.billing.domain.settlement import WriteOffReason, WriteOffState
from services.billing.http.adjustments import Decision
from services.billing.http.fields import Note
from services.billing.models import WriteOff
from services.billing.queries import invoices, write_offs

MONEY = Capability.MANAGE_BILLING_OPS
Step = Literal["ask_write_off", "approve_write_off", "reject_write_off", "reverse_write_off"]


class NewWriteOff(Body):
    """Of all that is owed. With a `write_off_id`, sent twice it is one."""

    reason_code: WriteOffReason
    notes: Note | None = None
    write_off_id: UUID | None = None


class WriteOffReversal(Body):
    notes: Note = Field(description="why: it is kept with the write-off")


class WriteOffView(BaseModel):
    """`amount_cents` is with GST; `gst_cents` of it is taken back. A pending one has no effect."""

    id: UUID
    invoice_id: UUID
    amount_cents: int
    gst_cents: int
    reason_code: WriteOffReason
    notes: str | None
    state: WriteOffState
    made_by_id: UUID
    made_by_name: str
    created_at: datetime
    decided_by_id: UUID | None
    decided_by_name: str | None
    decided_at: datetime | None
    reversed_by_id: UUID | None
    reversed_by_name: str | None
    reversed_at: datetime | None
    reversal_reason: str | None

    @classmethod
    def of(cls, written: WriteOff) -> Self:
        return cls.model_validate(written, from_attributes=True)


@post(
    "/admin/billing/invoices/{invoice_id:uuid}/write-off",
    guards=[requires(MONEY, step_up=True)],
    responses={202: ResponseSpec(WriteOffView, description="Pending: another operator has to agree")},
)
async def post_write_off(
    invoice_id: FromPath[UUID],
    data: JSONBody[NewWriteOff],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Response[WriteOffView]:
    """Writes off all that is owed: at once (201), or pending until another operator agrees (202)."""
    async with database.transaction() as session:
        written = await ask_by_operator(session, invoice_id, data, house, operator, clock.now())
    return Response(WriteOffView.of(written), status_code=202 if written.state is WriteOffState.PENDING else 201)


async def ask_by_operator(
    session: AsyncSession, invoice_id: UUID, data: NewWriteOff, house: House, operator: Operator, now: datetime
) -> WriteOff:
    id_ = data.write_off_id or new_id()
    command = AskWriteOff(id_, invoice_id, data.reason_code, _decider(operator), data.notes)
    await invoices.lock(session, invoice_id)
    known = await session.get(WriteOff, id_)
    before = known.state if known else None
    written = await ask_write_off(session, command, house.approval_limit_cents, now)
    await audit_step(session, operator, "ask_write_off", written, before, data.notes)
    return written


@get("/admin/billing/write-offs", guards=[requires(Capability.READ_OPS)])
async def list_write_offs(
    database: Given[Database],
    page: Given[PageRequest],
    in_state: Annotated[WriteOffState | None, QueryParameter(name="state")] = None,
    invoice_id: FromQuery[UUID | None] = None,
) -> Page[WriteOffView]:
    """Newest first; `state=pending` is the queue of the second operator."""
    async with database.reading() as session:
        found = await write_offs.listed(session, page, in_state, invoice_id)
    return page.page(found, lambda row: (row.created_at, row.id), WriteOffView.of)


@get("/admin/billing/write-offs/{write_off_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_write_off(write_off_id: FromPath[UUID], database: Given[Database]) -> WriteOffView:
    """One write-off, whatever became of it."""
    async with database.reading() as session:
        return WriteOffView.of(await write_offs.find(session, write_off_id))


@post(
    "/admin/billing/write-offs/{write_off_id:uuid}/approve",
    status_code=200,
    guards=[requires(MONEY, step_up=True)],
)
async def post_approve_write_off(
    write_off_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Decision | None] = None,
) -> WriteOffView:
    """By another operator than the one who asked for it, as long as so much is owed."""
    async with database.transaction() as session:
        before = (await write_offs.lock(session, write_off_id))[1].state
        written = await approve_write_off(session, write_off_id, _decider(operator), clock.now())
        await audit_step(session, operator, "approve_write_off", written, before, data.notes if data else None)
        return WriteOffView.of(written)


@post("/admin/billing/write-offs/{write_off_id:uuid}/reject", status_code=200, guards=[requires(MONEY)])
async def post_reject_write_off(
    write_off_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Decision | None] = None,
) -> WriteOffView:
    """By anyone who may; it never had an effect."""
    async with database.transaction() as session:
        before = (await write_offs.lock(session, write_off_id))[1].state
        written = await reject_write_off(session, write_off_id, _decider(operator), clock.now())
        await audit_step(session, operator, "reject_write_off", written, before, data.notes if data else None)
        return WriteOffView.of(written)


@post(
    "/admin/billing/write-offs/{write_off_id:uuid}/reverse",
    status_code=200,
    guards=[requires(MONEY, step_up=True)],
)
async def post_reverse_write_off(
    write_off_id: FromPath[UUID],
    data: JSONBody[WriteOffReversal],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
) -> WriteOffView:
    """It is owed again, with its GST: before it is paid after all, or where it was a mistake."""
    async with database.transaction() as session:
        before = (await write_offs.lock(session, write_off_id))[1].state
        command = ReverseWriteOff(write_off_id, data.notes, _decider(operator))
        written = await reverse_write_off(session, command, clock.now())
        await audit_step(session, operator, "reverse_write_off", written, before, data.notes)
        return WriteOffView.of(written)


async def audit_step(
    session: AsyncSession,
    operator: Operator,
    step: Step,
    written: WriteOff,
    before: WriteOffState | None,
    notes: str | None,
) -> None:
    """What was done already and is asked for again leaves no entry."""
    if before is written.state:
        return
    facts: dict[str, Any] = {"state": written.state, "write_off_id": written.id}
    await audit.record(
        session,
        actor=operator,
        action=step,
        subject=Subject("invoice", written.invoice_id),
        before={"state": before} if before else None,
        after=facts | {"amount_cents": written.amount_cents, "gst_cents": written.gst_cents},
        reason_code=written.reason_code,
        reason_text=notes,
    )


def _decider(operator: Operator) -> Decider:
    return Decider(operator.id, operator.name)


ROUTES = (
    post_write_off,
    list_write_offs,
    get_write_off,
    post_approve_write_off,
    post_reject_write_off,
    post_reverse_write_off,
)
