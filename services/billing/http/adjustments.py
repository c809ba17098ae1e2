"""Credits and debits over HTTP, and the second operator's say."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Subject
from chassis.clock import Clock
from chassis.database import Database
from chassis.http import Body, Given, Line, Operator, requires
from chassis.ids import new_id
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import AdjustmentType, GstTreatment
from services.billing.commands.adjusting import Decider
from services.billing.commands.adjustments import (
    AddAdjustment,
    ApprovalRule,
    add_adjustment,
    approve_adjustment,
    reject_adjustment,
)
from services.billing.commands.documents import PDF
from services.billing.commands.house import House
from services.billing.domain.statuses import AdjustmentState
from services.billing.http.documents import download
from services.billing.http.fields import AmountCents, LineNo, Note
from services.billing.http.invoice_views import AdjustmentView
from services.billing.models import Adjustment
from services.billing.queries import adjustments, documents, invoices, listings

MONEY = Capability.MANAGE_BILLING_OPS
_ASKED = {"type", "reason_code", "amount_cents", "line_no", "notes", "gst_treatment"}
Step = Literal["add_adjustment", "approve_adjustment", "reject_adjustment"]


class NewAdjustment(Body):
    """`amount_cents` is ex GST; a credit without one takes all that is left, of `line_no` or of the invoice.

    What of a credit is more than is still owed becomes the customer's credit. A debit for `late_delivery` names the
    deliveries, and they are its amount. With an `adjustment_id`, sent twice it is one.
    """

    type: AdjustmentType
    reason_code: Annotated[Line, StringConstraints(max_length=60)]
    amount_cents: AmountCents | None = None
    line_no: LineNo | None = None
    notes: Note | None = Field(None, description="on a debit, what it is for: its note prints it")
    gst_treatment: GstTreatment = Field(GstTreatment.TAXABLE, description="of a debit; a credit follows its lines")
    delivery_event_ids: Annotated[list[UUID], Field(min_length=1, max_length=500)] | None = None
    adjustment_id: UUID | None = None


class Decision(Body):
    notes: Note | None = None


@post(
    "/admin/billing/invoices/{invoice_id:uuid}/adjustments",
    guards=[requires(MONEY, step_up=True)],
    responses={202: ResponseSpec(AdjustmentView, description="Pending: another operator has to agree")},
)
async def post_adjustment(
    invoice_id: FromPath[UUID],
    data: JSONBody[NewAdjustment],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
) -> Response[AdjustmentView]:
    """Credits or debits an issued invoice: at once (201), or pending until another operator agrees (202)."""
    rule, now = house.approval, clock.now()
    async with database.transaction() as session:
        adjustment = await add_by_operator(session, invoice_id, data, rule, operator, now)
    status = 202 if adjustment.state is AdjustmentState.PENDING else 201
    return Response(AdjustmentView.of(adjustment, now, house.zone), status_code=status)


async def add_by_operator(
    session: AsyncSession, invoice_id: UUID, data: NewAdjustment, rule: ApprovalRule, operator: Operator, now: datetime
) -> Adjustment:
    command = AddAdjustment(
        invoice_id=invoice_id,
        by=_decider(operator),
        **data.model_dump(include=_ASKED),
        adjustment_id=data.adjustment_id or new_id(),
        delivery_event_ids=frozenset(data.delivery_event_ids or ()),
    )
    await invoices.lock(session, invoice_id)
    known = await adjustments.find_or_none(session, command.adjustment_id)
    before = known.state if known else None
    adjustment = await add_adjustment(session, command, rule, now)
    await audit_step(session, operator, "add_adjustment", adjustment, before, data.notes)
    return adjustment


@get("/admin/billing/adjustments", guards=[requires(Capability.READ_OPS)])
async def list_adjustments(
    database: Given[Database],
    page: Given[PageRequest],
    clock: Given[Clock],
    house: Given[House],
    in_state: Annotated[AdjustmentState | None, QueryParameter(name="state")] = None,
    invoice_id: FromQuery[UUID | None] = None,
) -> Page[AdjustmentView]:
    """Newest first; `state=pending` is the queue of the second operator."""
    async with database.reading() as session:
        found = await listings.adjustments(session, page, in_state, invoice_id)
    now = clock.now()
    return page.page(found, lambda row: (row.created_at, row.id), lambda row: AdjustmentView.of(row, now, house.zone))


@post(
    "/admin/billing/adjustments/{adjustment_id:uuid}/approve",
    status_code=200,
    guards=[requires(MONEY, step_up=True)],
)
async def approve(
    adjustment_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
    data: JSONBody[Decision | None] = None,
) -> AdjustmentView:
    """By another operator than the one who asked for it."""
    async with database.transaction() as session:
        before = (await adjustments.lock(session, adjustment_id))[1].state
        by = _decider(operator)
        adjustment = await approve_adjustment(session, adjustment_id, by, house.numbering, clock.now())
        await audit_step(session, operator, "approve_adjustment", adjustment, before, data.notes if data else None)
    return AdjustmentView.of(adjustment, clock.now(), house.zone)


@post("/admin/billing/adjustments/{adjustment_id:uuid}/reject", status_code=200, guards=[requires(MONEY)])
async def reject(
    adjustment_id: FromPath[UUID],
    database: Given[Database],
    clock: Given[Clock],
    house: Given[House],
    operator: Given[Operator],
    data: JSONBody[Decision | None] = None,
) -> AdjustmentView:
    """By anyone who may; it never had an effect."""
    async with database.transaction() as session:
        before = (await adjustments.lock(session, adjustment_id))[1].state
        adjustment = await reject_adjustment(session, adjustment_id, _decider(operator), clock.now())
        await audit_step(session, operator, "reject_adjustment", adjustment, before, data.notes if data else None)
    return AdjustmentView.of(adjustment, clock.now(), house.zone)


@get(
    "/admin/billing/adjustments/{adjustment_id:uuid}/document",
    media_type=PDF,
    guards=[requires(Capability.READ_OPS)],
)
async def get_adjustment_note(adjustment_id: FromPath[UUID], database: Given[Database]) -> Response[bytes]:
    """The adjustment note as it was rendered and mailed."""
    async with database.reading() as session:
        await adjustments.find(session, adjustment_id)
        return download(await documents.of_adjustment(session, adjustment_id))


async def audit_step(
    session: AsyncSession,
    operator: Operator,
    step: Step,
    adjustment: Adjustment,
    before: AdjustmentState | None,
    notes: str | None,
) -> None:
    """What was done already and is asked for again leaves no entry; `before` was read under the invoice's lock."""
    if before is adjustment.state:
        return
    await audit.record(
        session,
        actor=operator,
        action=step,
        subject=Subject("invoice", adjustment.invoice_id),
        before={"state": before} if before else None,
        after={
            "adjustment_id": adjustment.id,
            "type": adjustment.type,
            "inc_gst_cents": adjustment.inc_gst_cents,
            "state": adjustment.state,
        },
        reason_code=adjustment.reason_code,
        reason_text=notes,
    )


def _decider(operator: Operator) -> Decider:
    return Decider(operator.id, operator.name)


ROUTES = (post_adjustment, list_adjustments, approve, reject, get_adjustment_note)
