"""How an invoice is shown: the same words and sums in every list, detail and answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import audit
from chassis.audit import Actor, Subject
from contracts.values import AdjustmentType, GstTreatment, InvoiceKind
from services.billing.commands.gate import Candidate, blockers_of
from services.billing.commands.house import House
from services.billing.domain.adjustments import days_to_decide
from services.billing.domain.periods import days_overdue
from services.billing.domain.statuses import (
    Action,
    AdjustmentState,
    DocumentStatus,
    InvoiceStatus,
    PaymentMethod,
    Standing,
    available_actions,
    is_overdue,
)
from services.billing.domain.tax_invoice import Owner
from services.billing.models import Account, Adjustment, Invoice
from services.billing.queries import adjustments, documents, invoices, payments, void_requests, write_offs


class InvoiceView(BaseModel):
    """`total_cents = subtotal_cents - credits_cents + debits_cents + gst_cents`, as it stands after adjustments.

    `balance_cents = total_cents - paid_cents + customer_credit_cents - written_off_cents`: of what was paid,
    `customer_credit_cents` was more than is owed and is the customer's; where it is negative, it came from the
    customer's credit. `issued_total_cents` and
    `issued_gst_cents` are the face of the document, which never changes.
    """

    id: UUID
    kind: InvoiceKind
    number: str | None
    status: InvoiceStatus
    is_overdue: bool
    days_overdue: int
    account_id: UUID
    account_name: str
    board_id: UUID | None
    replaces_invoice_id: UUID | None
    period: str | None
    period_start: datetime | None
    period_end: datetime | None
    purchase_order: str | None
    subtotal_cents: int
    credits_cents: int
    debits_cents: int
    gst_cents: int
    total_cents: int
    paid_cents: int
    customer_credit_cents: int
    written_off_cents: int
    balance_cents: int
    issued_total_cents: int
    issued_gst_cents: int
    currency: str
    stripe_invoice_id: str | None
    stripe_invoice_url: str | None
    created_at: datetime
    issued_at: datetime | None
    due_at: datetime | None
    sent_at: datetime | None
    paid_at: datetime | None
    voided_at: datetime | None
    void_reason_code: str | None
    version: int = Field(description="send it back with changed lines")

    @classmethod
    def of(cls, invoice: Invoice, account_name: str, house: House, now: datetime) -> Self:
        return cls(**_shown(invoice, account_name, house, now))


def _shown(invoice: Invoice, account_name: str, house: House, now: datetime) -> dict[str, Any]:
    own = {name: getattr(invoice, name) for name in InvoiceView.model_fields if hasattr(invoice, name)}
    overdue = is_overdue(invoice.status, invoice.due_at, now)
    return own | {
        "account_name": account_name,
        "is_overdue": overdue,
        "days_overdue": days_overdue(invoice.due_at, now, house.zone) if overdue and invoice.due_at else 0,
        "gst_cents": invoice.gst_cents + invoice.adjusted_gst_cents,
        "total_cents": invoice.adjusted_total_cents,
        "issued_total_cents": invoice.total_cents,
        "issued_gst_cents": invoice.gst_cents,
    }


class LineView(BaseModel):
    line_no: int
    delivery_event_id: UUID | None
    description: str
    quantity: int
    unit_price_cents: int
    gst_treatment: GstTreatment
    includes_gst: bool
    ex_gst_cents: int
    gst_cents: int
    inc_gst_cents: int


class PaymentView(BaseModel):
    id: UUID
    invoice_id: UUID
    amount_cents: int
    currency: str
    received_at: datetime
    method: PaymentMethod
    reference: str | None
    external_payment_ref: str | None
    recorded_by: str
    recorded_at: datetime
    receipt_id: UUID | None = Field(description="what it came in with, where that was one sum for several")


class AdjustmentView(BaseModel):
    """`ex_gst_cents + gst_cents = inc_gst_cents`. A pending one has no effect until another operator agrees.

    `days_left` counts business days until the last one on which to decide it, below zero once it is late.
    """

    id: UUID
    invoice_id: UUID
    type: AdjustmentType
    reason_code: str
    notes: str | None
    line_no: int | None
    ex_gst_cents: int
    gst_cents: int
    inc_gst_cents: int
    state: AdjustmentState
    number: str | None
    made_by_id: UUID
    made_by_name: str
    created_at: datetime
    asked_at: datetime = Field(description="its business days (Monday to Friday, holidays too) are counted from then")
    days_left: int | None = Field(None, description="of a pending one")
    decided_by_id: UUID | None
    decided_by_name: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, adjustment: Adjustment, now: datetime, zone: ZoneInfo) -> Self:
        own = {name: getattr(adjustment, name) for name in cls.model_fields if hasattr(adjustment, name)}
        waits = adjustment.state is AdjustmentState.PENDING
        return cls(**own, days_left=days_to_decide(adjustment.asked_at, now, zone) if waits else None)


class BlockerView(BaseModel):
    """What stands between a draft and its issue, and who can take it away."""

    code: str
    detail: str
    owner: Owner


class DocumentFacts(BaseModel):
    """The rendered document; its bytes are at `/document`."""

    id: UUID
    number: str
    file_name: str
    media_type: str
    sha256: str
    created_at: datetime


class InvoiceDetail(InvoiceView):
    replaced_by_invoice_id: UUID | None = Field(description="what took its place, where it is void")
    lines: list[LineView]
    payments: list[PaymentView]
    adjustments: list[AdjustmentView]
    document: DocumentFacts | None
    available_actions: list[Action]
    blockers: list[BlockerView] = Field(description="of a draft; a Stripe reference is asked for at the issue")


async def detail_of(session: AsyncSession, invoice_id: UUID, house: House, now: datetime) -> InvoiceDetail:
    """Everything that one page about an invoice shows."""
    invoice, account = await invoices.with_account(session, invoice_id)
    kept = await documents.facts_of(session, invoice_id)
    taking_its_place = await invoices.successor(session, invoice_id)
    before_it = {"replaces_invoice_id": await invoices.predecessor_id(session, invoice)}
    return InvoiceDetail(
        **_shown(invoice, account.name, house, now) | before_it,
        replaced_by_invoice_id=taking_its_place.id if taking_its_place else None,
        lines=_views(LineView, await invoices.lines(session, invoice_id)),
        payments=_views(PaymentView, await payments.of_invoice(session, invoice_id)),
        adjustments=[
            AdjustmentView.of(each, now, house.zone) for each in await adjustments.of_invoice(session, invoice_id)
        ],
        document=DocumentFacts.model_validate(kept, from_attributes=True) if kept else None,
        available_actions=list(available_actions(await standing_of(session, invoice, account))),
        blockers=await _blockers(session, invoice, account, house, now),
    )


async def standing_of(session: AsyncSession, invoice: Invoice, account: Account) -> Standing:
    return Standing(
        kind=invoice.kind,
        status=invoice.status,
        has_money=invoice.has_money,
        has_document=await documents.facts_of(session, invoice.id) is not None,
        has_credit=account.customer_credit_cents > 0,
        is_replaced=await invoices.successor(session, invoice.id) is not None,
        is_written_off=invoice.written_off_cents > 0,
        is_write_off_asked=await write_offs.pending_of(session, invoice.id) is not None,
        is_void_asked=await void_requests.pending_of(session, invoice.id) is not None,
    )


async def _blockers(
    session: AsyncSession, invoice: Invoice, account: Account, house: House, now: datetime
) -> list[BlockerView]:
    if invoice.document_status is not DocumentStatus.DRAFT:
        return []
    candidate = Candidate(invoice, account, invoice.stripe_invoice_id)
    return _views(BlockerView, (await blockers_of(session, [candidate], house.seller, now))[invoice.id])


async def audit_status(
    session: AsyncSession,
    operator: Actor,
    action: str,
    invoice: Invoice,
    before: InvoiceStatus,
    facts: Mapping[str, Any],
    **reason: str | None,
) -> None:
    """One entry for a change; what was done already and is asked for again leaves none."""
    if invoice.status is before:
        return
    await audit.record(
        session,
        actor=operator,
        action=action,
        subject=Subject("invoice", invoice.id),
        before={"status": before},
        after={"status": invoice.status, **facts},
        **reason,
    )


def _views(view: type[Any], rows: Sequence[Any]) -> list[Any]:
    return [view.model_validate(row, from_attributes=True) for row in rows]
