"""Voiding a draft or an invoice over HTTP, and the second operator's say over the limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self
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
from services.billing.commands.void_requests import AskVoid, approve_void, ask_void, reject_void
from services.billing.domain.settlement import WriteOffState
from services.billing.domain.statuses import AdjustmentState, InvoiceStatus
from services.billing.domain.voids import VoidReason, VoidState
from services.billing.http.adjustments import Decision
from services.billing.http.adjustments import audit_step as audit_adjustment
from services.billing.http.fields import Note
from services.billing.http.invoice_views import InvoiceDetail, audit_status, detail_of
from services.billing.http.write_offs import audit_step as audit_write_off
from services.billing.models import Adjustment, Invoice, VoidRequest, WriteOff
from services.billing.queries import adjustments, invoices, void_requests, write_offs

MONEY = Capability.MANAGE_BILLING_OPS
VOIDED = "The invoice was voided: nothing is left to credit, to debit or to write off"
Step = Literal["ask_void", "approve_void", "reject_void"]


class VoidBody(Body):
    """Over the limit, with a `void_request_id`, sent twice it is one."""

    reason_code: VoidReason
    notes: Note | None = None
    void_request_id: UUID | None = None


class VoidRequestView(BaseModel):
    """A void over the limit. A pending one has no effect; `amount_cents`, with GST, was owed when it was asked for."""

    id: UUID
    invoice_id: UUID
    amount_cents: int
    reason_code: VoidReason
    notes: str | None
    state: VoidState = Field(description="an `approved` one made its invoice void")
    made_by_id: UUID
    made_by_name: str
    created_at: datetime
    decided_by_id: UUID | None
    decided_by_name: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, asked: VoidRequest) -> Self:
        return cls.model_validate(asked, from_attributes=True)


@post(
    "/admin/billing/invoices/{invoice_id:uuid}/void",
    status_code=200,
    guards=[requires(MONEY, step_up=True)],
    responses={
        200: ResponseSpec(InvoiceDetail, description="The invoice, which is void"),
        202: ResponseSpec(VoidRequestView, description="Pending: another operator has to agree"),
    },
)
async def post_void(
    invoice_id: FromPath[UUID],
    data: JSONBody[VoidBody],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Response[InvoiceDetail | VoidRequestView]:
    """Voids a draft, or an issued invoice on which nothing was paid: at once (200), or pending until another operator
    agrees (202), where more is owed than one may take away alone. Its number stays taken."""
    async with database.transaction() as session:
        asked = await void_by_operator(session, invoice_id, data, house, operator, clock.now())
        if asked is not None and asked.state is VoidState.PENDING:
            return Response(VoidRequestView.of(asked), status_code=202)
        return Response(await detail_of(session, invoice_id, house, clock.now()), status_code=200)


async def void_by_operator(
    session: AsyncSession, invoice_id: UUID, data: VoidBody, house: House, operator: Operator, now: datetime
) -> VoidRequest | None:
    """None where one operator was enough."""
    id_ = data.void_request_id or new_id()
    command = AskVoid(id_, invoice_id, data.reason_code, _decider(operator), data.notes)
    invoice = await invoices.lock(session, invoice_id)
    before = await _stands(session, invoice)
    known = await session.get(VoidRequest, id_)
    stood = known.state if known else None
    asked = await ask_void(session, command, house.approval_limit_cents, now)
    if asked is None:
        await _audit_void(session, operator, invoice, before, data.reason_code, data.notes)
    else:
        await audit_step(session, operator, "ask_void", asked, stood, data.notes)
    return asked


@get("/admin/billing/void-requests", guards=[requires(Capability.READ_OPS)])
async def list_void_requests(
    database: Given[Database],
    page: Given[PageRequest],
    in_state: Annotated[VoidState | None, QueryParameter(name="state")] = None,
    invoice_id: FromQuery[UUID | None] = None,
) -> Page[VoidRequestView]:
    """Voids over the limit, newest first; `state=pending` is the queue of the second operator."""
    async with database.reading() as session:
        found = await void_requests.listed(session, page, in_state, invoice_id)
    return page.page(found, lambda row: (row.created_at, row.id), VoidRequestView.of)


@get("/admin/billing/void-requests/{void_request_id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_void_request(void_request_id: FromPath[UUID], database: Given[Database]) -> VoidRequestView:
    """One void that was asked for, whatever became of it."""
    async with database.reading() as session:
        return VoidRequestView.of(await void_requests.find(session, void_request_id))


@post(
    "/admin/billing/void-requests/{void_request_id:uuid}/approve",
    status_code=200,
    guards=[requires(MONEY, step_up=True)],
)
async def post_approve_void(
    void_request_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Decision | None] = None,
) -> VoidRequestView:
    """By another operator than the one who asked for it, as long as so much is owed: then the invoice is void."""
    async with database.transaction() as session:
        invoice, asked = await void_requests.lock(session, void_request_id)
        stood, before = asked.state, await _stands(session, invoice)
        asked = await approve_void(session, void_request_id, _decider(operator), clock.now())
        await audit_step(session, operator, "approve_void", asked, stood, data.notes if data else None)
        await _audit_void(session, operator, invoice, before, asked.reason_code, asked.notes)
        return VoidRequestView.of(asked)


@post("/admin/billing/void-requests/{void_request_id:uuid}/reject", status_code=200, guards=[requires(MONEY)])
async def post_reject_void(
    void_request_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    operator: Given[Operator],
    data: JSONBody[Decision | None] = None,
) -> VoidRequestView:
    """By anyone who may; it never had an effect."""
    async with database.transaction() as session:
        stood = (await void_requests.lock(session, void_request_id))[1].state
        asked = await reject_void(session, void_request_id, _decider(operator), clock.now())
        await audit_step(session, operator, "reject_void", asked, stood, data.notes if data else None)
        return VoidRequestView.of(asked)


async def audit_step(
    session: AsyncSession,
    operator: Operator,
    step: Step,
    asked: VoidRequest,
    before: VoidState | None,
    notes: str | None,
) -> None:
    """What was done already and is asked for again leaves no entry."""
    if before is asked.state:
        return
    await audit.record(
        session,
        actor=operator,
        action=step,
        subject=Subject("invoice", asked.invoice_id),
        before={"state": before} if before else None,
        after={"state": asked.state, "void_request_id": asked.id, "amount_cents": asked.amount_cents},
        reason_code=asked.reason_code,
        reason_text=notes,
    )


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a void would end: the invoice as it is, and what waits for a second operator on it."""

    status: InvoiceStatus
    adjustments: Sequence[Adjustment]
    write_off: WriteOff | None


async def _stands(session: AsyncSession, invoice: Invoice) -> _Standing:
    """The invoice is locked."""
    waiting = await adjustments.lock_pending(session, invoice.id)
    return _Standing(invoice.status, waiting, await write_offs.pending_of(session, invoice.id))


async def _audit_void(
    session: AsyncSession,
    operator: Operator,
    invoice: Invoice,
    before: _Standing,
    reason: VoidReason,
    notes: str | None,
) -> None:
    """Of the void itself, for the reason that it was asked for, and of what it turned down."""
    why = {"reason_code": reason, "reason_text": notes}
    await audit_status(session, operator, "void_invoice", invoice, before.status, {}, **why)
    for adjustment in before.adjustments:
        await audit_adjustment(session, operator, "reject_adjustment", adjustment, AdjustmentState.PENDING, VOIDED)
    if before.write_off is not None:
        await audit_write_off(session, operator, "reject_write_off", before.write_off, WriteOffState.PENDING, VOIDED)


def _decider(operator: Operator) -> Decider:
    return Decider(operator.id, operator.name)


ROUTES = (
    post_void,
    list_void_requests,
    get_void_request,
    post_approve_void,
    post_reject_void,
)
