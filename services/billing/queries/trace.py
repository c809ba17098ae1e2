"""From any id to the money it is about: delivery, line, invoice, what changed it, what paid it, and every posting."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.errors import NothingToTrace
from services.billing.models import (
    Adjustment,
    AdjustmentDelivery,
    DeliveryEvent,
    Invoice,
    InvoiceLine,
    JournalEntry,
    JournalPosting,
    Payment,
    PaymentReversal,
    Receipt,
    WriteOff,
)
from services.billing.queries.journal import entries_of

MOST_LINES = 200
"""Of an invoice so many lines are told; those of one delivery are few."""

# An id is of one thing alone; what it leads to are invoices, or deliveries that no invoice bills yet, or bare postings.
STARTS = text(
    """
    SELECT 'delivery' AS kind, id FROM delivery_events
               WHERE id = :id OR assignment_id = :id OR lead_id = :id OR decision_id = :id
    UNION ALL SELECT 'invoice', id FROM invoices WHERE id = :id OR board_id = :id
    UNION ALL SELECT 'invoice', invoice_id FROM adjustments WHERE id = :id
    UNION ALL SELECT 'invoice', invoice_id FROM payments WHERE id = :id OR receipt_id = :id
    UNION ALL SELECT 'receipt', id FROM receipts WHERE id = :id
    UNION ALL SELECT 'receipt', receipt_id FROM payment_reversals WHERE id = :id AND receipt_id IS NOT NULL
    UNION ALL SELECT 'invoice', payment.invoice_id FROM payment_reversals reversal
                JOIN payments payment ON payment.id = reversal.payment_id WHERE reversal.id = :id
    UNION ALL SELECT 'invoice', invoice_id FROM write_offs WHERE id = :id
    UNION ALL SELECT 'invoice', invoice_id FROM void_requests WHERE id = :id
    UNION ALL SELECT 'invoice', invoice_id FROM journal_postings WHERE id = :id AND invoice_id IS NOT NULL
    UNION ALL SELECT 'posting', id FROM journal_postings WHERE (id = :id AND invoice_id IS NULL) OR payout_id = :id
    """
)


@dataclass(frozen=True, slots=True)
class TracedPosting:
    posting: JournalPosting
    entries: Sequence[JournalEntry]


@dataclass(frozen=True, slots=True)
class Trace:
    """In the order in which money goes. `line_count` is of all lines, of which the first are told."""

    deliveries: Sequence[DeliveryEvent]
    lines: Sequence[InvoiceLine]
    line_count: int
    invoices: Sequence[Invoice]
    adjustments: Sequence[Adjustment]
    receipts: Sequence[Receipt]
    payments: Sequence[Payment]
    reversals: Sequence[PaymentReversal]
    write_offs: Sequence[WriteOff]
    postings: Sequence[TracedPosting]


async def trace(session: AsyncSession, id_: UUID) -> Trace:
    found: dict[str, set[UUID]] = {"delivery": set(), "invoice": set(), "receipt": set(), "posting": set()}
    for kind, start in await session.execute(STARTS, {"id": id_}):
        found[kind].add(start)
    if not any(found.values()):
        raise NothingToTrace("nothing in the books has this id, or is of it", id=id_)
    lines, line_count = await _lines(session, found["delivery"], found["invoice"])
    charged = await _charged_late(session, found["delivery"], found["invoice"])
    deliveries = found["delivery"] | {line.delivery_event_id for line in lines if line.delivery_event_id} | set(charged)
    invoices = found["invoice"] | {line.invoice_id for line in lines} | {id_ for ids in charged.values() for id_ in ids}
    payments = await _all(session, Payment, Payment.invoice_id.in_(invoices), Payment.recorded_at)
    receipts = found["receipt"] | {each.receipt_id for each in payments if each.receipt_id}
    return Trace(
        deliveries=await _all(session, DeliveryEvent, DeliveryEvent.id.in_(deliveries), DeliveryEvent.delivered_at),
        lines=lines,
        line_count=line_count,
        invoices=await _all(session, Invoice, Invoice.id.in_(invoices), Invoice.created_at),
        adjustments=await _all(session, Adjustment, Adjustment.invoice_id.in_(invoices), Adjustment.created_at),
        receipts=await _all(session, Receipt, Receipt.id.in_(receipts), Receipt.recorded_at),
        payments=payments,
        reversals=await _reversals(session, [each.id for each in payments], receipts),
        write_offs=await _all(session, WriteOff, WriteOff.invoice_id.in_(invoices), WriteOff.created_at),
        postings=await _postings(session, invoices, receipts, found["posting"]),
    )


async def _charged_late(
    session: AsyncSession, deliveries: Collection[UUID], invoices: Collection[UUID]
) -> dict[UUID, set[UUID]]:
    """Of deliveries that no line bills, as they came after their month: the invoices of the debits that charge each."""
    query = select(AdjustmentDelivery.delivery_event_id, Adjustment.invoice_id).join(
        Adjustment, Adjustment.id == AdjustmentDelivery.adjustment_id
    )
    wanted = or_(AdjustmentDelivery.delivery_event_id.in_(deliveries), Adjustment.invoice_id.in_(invoices))
    found: dict[UUID, set[UUID]] = {}
    for delivery_event_id, invoice_id in await session.execute(query.where(wanted)):
        found.setdefault(delivery_event_id, set()).add(invoice_id)
    return found


async def _lines(
    session: AsyncSession, deliveries: Collection[UUID], invoices: Collection[UUID]
) -> tuple[Sequence[InvoiceLine], int]:
    wanted = or_(InvoiceLine.delivery_event_id.in_(deliveries), InvoiceLine.invoice_id.in_(invoices))
    query = select(InvoiceLine).where(wanted).order_by(InvoiceLine.invoice_id, InvoiceLine.line_no).limit(MOST_LINES)
    lines = (await session.scalars(query)).all()
    if len(lines) < MOST_LINES:
        return lines, len(lines)
    return lines, await session.scalar(select(func.count()).select_from(InvoiceLine).where(wanted)) or 0


async def _all(session: AsyncSession, table: type[Any], wanted: ColumnElement[bool], at: Any) -> Sequence[Any]:
    query: Select[Any] = select(table).where(wanted).order_by(at, table.id)
    return (await session.scalars(query)).all()


async def _reversals(
    session: AsyncSession, payments: Collection[UUID], receipts: Collection[UUID]
) -> Sequence[PaymentReversal]:
    wanted = or_(PaymentReversal.payment_id.in_(payments), PaymentReversal.receipt_id.in_(receipts))
    found: Sequence[PaymentReversal] = await _all(session, PaymentReversal, wanted, PaymentReversal.reversed_at)
    return found


async def _postings(
    session: AsyncSession, invoices: Collection[UUID], receipts: Collection[UUID], ids: Collection[UUID]
) -> list[TracedPosting]:
    """A receipt's rest, and what of it went back, are no invoice's."""
    of_rests = select(func.concat("payment_reversal:", PaymentReversal.id)).where(
        PaymentReversal.receipt_id.in_(receipts)
    )
    wanted = or_(
        JournalPosting.invoice_id.in_(invoices),
        JournalPosting.id.in_(ids),
        JournalPosting.source_key.in_([f"receipt:{id_}:rest" for id_ in receipts]),
        JournalPosting.source_key.in_(of_rests),
    )
    postings = await _all(session, JournalPosting, wanted, JournalPosting.posted_at)
    entries = await entries_of(session, [posting.id for posting in postings])
    return [TracedPosting(posting, entries[posting.id]) for posting in postings]
