"""Rendered documents, what is still to be rendered, and the facts to render it from."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import DocumentKind
from services.billing.domain.adjustment_note import NoteLine
from services.billing.domain.adjustments import LineShare
from services.billing.domain.printed import PRODUCTS, InvoiceFacts, NoteFacts, PrintedLine, lead_description
from services.billing.domain.statuses import AdjustmentState
from services.billing.domain.tax_invoice import Party
from services.billing.errors import DocumentNotReady
from services.billing.models import (
    Adjustment,
    AdjustmentDelivery,
    AdjustmentLine,
    DeliveryEvent,
    Document,
    Invoice,
    InvoiceLine,
)
from services.billing.queries import invoices


async def of_invoice(session: AsyncSession, invoice_id: UUID) -> Document:
    query = select(Document).where(Document.invoice_id == invoice_id, Document.adjustment_id.is_(None))
    return _ready((await session.scalars(query)).one_or_none(), invoice_id)


async def of_adjustment(session: AsyncSession, adjustment_id: UUID) -> Document:
    query = select(Document).where(Document.adjustment_id == adjustment_id)
    return _ready((await session.scalars(query)).one_or_none(), adjustment_id)


def _ready(document: Document | None, id_: UUID) -> Document:
    if document is None:
        raise DocumentNotReady("it is rendered within moments of the issue", id=id_)
    return document


async def next_unrendered(session: AsyncSession, besides: Collection[UUID]) -> tuple[DocumentKind, UUID] | None:
    """The document that waits longest; `besides` are those that failed a moment ago."""
    invoice = (
        select(Invoice.id)
        .where(Invoice.issued_at.is_not(None), Invoice.rendered_at.is_(None))
        .where(Invoice.id.not_in(besides))
        .order_by(Invoice.issued_at)
        .limit(1)
    )
    if (invoice_id := await session.scalar(invoice)) is not None:
        return DocumentKind.TAX_INVOICE, invoice_id
    note = (
        select(Adjustment.id)
        .where(Adjustment.state == AdjustmentState.APPROVED, Adjustment.rendered_at.is_(None))
        .where(Adjustment.id.not_in(besides))
        .order_by(Adjustment.decided_at)
        .limit(1)
    )
    adjustment_id = await session.scalar(note)
    return (DocumentKind.ADJUSTMENT_NOTE, adjustment_id) if adjustment_id is not None else None


async def invoice_facts(session: AsyncSession, invoice_id: UUID) -> InvoiceFacts:
    """Of the frozen invoice alone: what its parties are called today plays no part."""
    invoice = await invoices.find(session, invoice_id)
    if invoice.number is None or invoice.issued_at is None or invoice.due_at is None or invoice.seller is None:
        raise DocumentNotReady("a draft has no document", invoice_id=invoice_id)
    period = (invoice.period_start, invoice.period_end) if invoice.period_start and invoice.period_end else None
    return InvoiceFacts(
        number=invoice.number,
        seller=_party(invoice.seller),
        buyer=_party(invoice.buyer or {}),
        issued_at=invoice.issued_at,
        due_at=invoice.due_at,
        lines=await _printed_lines(session, invoice_id),
        subtotal_cents=invoice.subtotal_cents,
        gst_cents=invoice.gst_cents,
        total_cents=invoice.total_cents,
        period=period,
        purchase_order=invoice.purchase_order,
        payment_details=str(invoice.seller.get("payment_details", "")),
        payment_url=invoice.stripe_invoice_url,
    )


async def note_facts(session: AsyncSession, adjustment_id: UUID) -> NoteFacts:
    adjustment = await session.get_one(Adjustment, adjustment_id)
    if adjustment.number is None or adjustment.decided_at is None:
        raise DocumentNotReady("an adjustment that is not approved has no note", adjustment_id=adjustment_id)
    return NoteFacts(
        number=adjustment.number,
        type=adjustment.type,
        reason=adjustment.reason_code.replace("_", " ").capitalize(),
        invoice=await invoice_facts(session, adjustment.invoice_id),
        adjusted_at=adjustment.decided_at,
        lines=await note_lines(session, adjustment),
        ex_gst_cents=adjustment.ex_gst_cents,
        gst_cents=adjustment.gst_cents,
    )


async def note_lines(session: AsyncSession, adjustment: Adjustment) -> Sequence[PrintedLine]:
    """As its note prints them: a debit that names no deliveries is one line."""
    return await adjusted_lines(session, adjustment) or [_debit_line(adjustment)]


async def described_shares(session: AsyncSession, invoice_id: UUID, shares: Sequence[LineShare]) -> list[NoteLine]:
    """What a credit takes off, line by line, before it is in the books."""
    by_number = {share.line_no: share.amounts for share in shares}
    query = (
        select(InvoiceLine.line_no, InvoiceLine.description, InvoiceLine.gst_treatment)
        .where(InvoiceLine.invoice_id == invoice_id, InvoiceLine.line_no.in_(by_number))
        .order_by(InvoiceLine.line_no)
    )
    return (
        [
            NoteLine(
                row.description,
                row.gst_treatment,
                by_number[row.line_no].ex_gst_cents,
                by_number[row.line_no].gst_cents,
            )
            for row in await session.execute(query)
        ]
        if shares
        else []
    )


async def _printed_lines(session: AsyncSession, invoice_id: UUID) -> Sequence[PrintedLine]:
    query = (
        select(InvoiceLine, DeliveryEvent.delivered_at, DeliveryEvent.product_type)
        .outerjoin(DeliveryEvent, DeliveryEvent.id == InvoiceLine.delivery_event_id)
        .where(InvoiceLine.invoice_id == invoice_id)
        .order_by(InvoiceLine.line_no)
    )
    return [
        PrintedLine(
            description=line.description,
            quantity=line.quantity,
            unit_price_cents=line.unit_price_cents,
            gst_treatment=line.gst_treatment,
            ex_gst_cents=line.ex_gst_cents,
            gst_cents=line.gst_cents,
            includes_gst=line.includes_gst,
            delivered_at=delivered_at,
            group=PRODUCTS[product] if product else None,
        )
        for line, delivered_at, product in await session.execute(query)
    ]


async def adjusted_lines(session: AsyncSession, adjustment: Adjustment) -> Sequence[PrintedLine]:
    """The lines that a credit falls on, once it is agreed to, or the deliveries that a debit charges."""
    query = (
        select(AdjustmentLine, InvoiceLine)
        .join(
            InvoiceLine,
            (InvoiceLine.invoice_id == AdjustmentLine.invoice_id) & (InvoiceLine.line_no == AdjustmentLine.line_no),
        )
        .where(AdjustmentLine.adjustment_id == adjustment.id)
        .order_by(AdjustmentLine.line_no)
    )
    lines = [
        PrintedLine(
            description=line.description,
            quantity=1,
            unit_price_cents=share.ex_gst_cents,
            gst_treatment=line.gst_treatment,
            ex_gst_cents=share.ex_gst_cents,
            gst_cents=share.gst_cents,
        )
        for share, line in await session.execute(query)
    ]
    return lines or await _late_lines(session, adjustment)


async def _late_lines(session: AsyncSession, adjustment: Adjustment) -> Sequence[PrintedLine]:
    query = (
        select(AdjustmentDelivery, DeliveryEvent)
        .join(DeliveryEvent, DeliveryEvent.id == AdjustmentDelivery.delivery_event_id)
        .where(AdjustmentDelivery.adjustment_id == adjustment.id)
        .order_by(DeliveryEvent.delivered_at, DeliveryEvent.id)
    )
    return [
        PrintedLine(
            description=lead_description(delivery.product_type, delivery.service, delivery.locality),
            quantity=1,
            unit_price_cents=delivery.unit_price_cents,
            gst_treatment=delivery.gst_treatment,
            ex_gst_cents=charged.ex_gst_cents,
            gst_cents=charged.gst_cents,
            includes_gst=delivery.includes_gst,
            delivered_at=delivery.delivered_at,
        )
        for charged, delivery in await session.execute(query)
    ]


def _debit_line(adjustment: Adjustment) -> PrintedLine:
    return PrintedLine(
        description=adjustment.notes or adjustment.reason_code.replace("_", " ").capitalize(),
        quantity=1,
        unit_price_cents=adjustment.ex_gst_cents,
        gst_treatment=adjustment.gst_treatment,
        ex_gst_cents=adjustment.ex_gst_cents,
        gst_cents=adjustment.gst_cents,
    )


def _party(kept: dict[str, Any]) -> Party:
    return Party(kept.get("name", ""), kept.get("abn"), kept.get("address"), kept.get("email"))


async def facts_of(session: AsyncSession, invoice_id: UUID) -> Row[UUID, str, str, str, str, datetime] | None:
    """What is to be said of an invoice's document, without its bytes."""
    said = (Document.id, Document.number, Document.file_name, Document.media_type, Document.sha256, Document.created_at)
    query = select(*said).where(Document.invoice_id == invoice_id, Document.adjustment_id.is_(None))
    return (await session.execute(query)).one_or_none()
