"""Any id's money over HTTP, from the delivery to the journal."""

from datetime import datetime
from typing import Any, Self, TypeVar
from uuid import UUID

from litestar import get
from litestar.params import FromPath
from pydantic import BaseModel

from chassis.database import Database
from chassis.http import Given, requires
from contracts.identity import Capability
from contracts.values import AdjustmentType, InvoiceKind, ProductType
from services.billing.domain.settlement import ReversalReason, WriteOffReason, WriteOffState
from services.billing.domain.statuses import AdjustmentState, EventStatus, InvoiceStatus, PaymentMethod
from services.billing.http.journal import PostingView
from services.billing.queries import trace as queries
from services.billing.queries.trace import Trace

V = TypeVar("V", bound=BaseModel)


class TracedDelivery(BaseModel):
    """What was delivered to whom: of exactly one assignment, by the decision that routing told."""

    id: UUID
    assignment_id: UUID
    lead_id: UUID
    decision_id: UUID | None
    installer_id: UUID
    product_type: ProductType
    delivered_at: datetime
    unit_price_cents: int
    price_plan_id: UUID
    event_status: EventStatus


class TracedLine(BaseModel):
    """`is_live` has fallen where its invoice is void."""

    invoice_id: UUID
    line_no: int
    delivery_event_id: UUID | None
    description: str
    inc_gst_cents: int
    is_live: bool


class TracedInvoice(BaseModel):
    id: UUID
    kind: InvoiceKind
    account_id: UUID
    number: str | None
    status: InvoiceStatus
    total_cents: int
    balance_cents: int
    issued_at: datetime | None
    replaces_invoice_id: UUID | None


class TracedAdjustment(BaseModel):
    id: UUID
    invoice_id: UUID
    type: AdjustmentType
    number: str | None
    state: AdjustmentState
    inc_gst_cents: int


class TracedReceipt(BaseModel):
    id: UUID
    account_id: UUID
    amount_cents: int
    rest_cents: int
    received_at: datetime


class TracedPayment(BaseModel):
    id: UUID
    invoice_id: UUID
    receipt_id: UUID | None
    amount_cents: int
    method: PaymentMethod
    reference: str | None
    external_payment_ref: str | None
    received_at: datetime


class TracedReversal(BaseModel):
    id: UUID
    payment_id: UUID | None
    receipt_id: UUID | None
    amount_cents: int
    reason_code: ReversalReason
    reversed_at: datetime


class TracedWriteOff(BaseModel):
    id: UUID
    invoice_id: UUID
    amount_cents: int
    reason_code: WriteOffReason
    state: WriteOffState


class TraceView(BaseModel):
    """In the order in which money goes. Of an invoice's lines the first 200 are told, and all are counted."""

    deliveries: list[TracedDelivery]
    lines: list[TracedLine]
    line_count: int
    invoices: list[TracedInvoice]
    adjustments: list[TracedAdjustment]
    receipts: list[TracedReceipt]
    payments: list[TracedPayment]
    reversals: list[TracedReversal]
    write_offs: list[TracedWriteOff]
    postings: list[PostingView]

    @classmethod
    def of(cls, found: Trace) -> Self:
        return cls(
            deliveries=_views(TracedDelivery, found.deliveries),
            lines=_views(TracedLine, found.lines),
            line_count=found.line_count,
            invoices=_views(TracedInvoice, found.invoices),
            adjustments=_views(TracedAdjustment, found.adjustments),
            receipts=_views(TracedReceipt, found.receipts),
            payments=_views(TracedPayment, found.payments),
            reversals=_views(TracedReversal, found.reversals),
            write_offs=_views(TracedWriteOff, found.write_offs),
            postings=[PostingView.of(each.posting, list(each.entries)) for each in found.postings],
        )


def _views(view: type[V], rows: Any) -> list[V]:
    return [view.model_validate(row, from_attributes=True) for row in rows]


@get("/admin/billing/trace/{id:uuid}", guards=[requires(Capability.READ_OPS)])
async def get_trace(id: FromPath[UUID], database: Given[Database]) -> TraceView:  # noqa: A002  # the path's word
    """Where any id leads: a delivery's, its assignment's, its decision's or its lead's, an invoice's or its board's, an
    adjustment's, a payment's, a receipt's, a reversal's, a write-off's, a void's, a posting's or a payout's."""
    async with database.reading() as session:
        return TraceView.of(await queries.trace(session, id))


ROUTES = (get_trace,)
