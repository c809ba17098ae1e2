"""What the issue of drafts does to the books, for however many at once: numbers, faces, postings and events.

A handful of statements whatever their number; their callers locked them and asked the gate.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from contracts.billing import InvoiceIssued
from services.billing.commands.credit_requests import settle_issued
from services.billing.commands.deliveries_listed import list_invoiced, parts_of
from services.billing.commands.gate import buyer_of
from services.billing.commands.house import House, terms_days
from services.billing.commands.journal import post
from services.billing.commands.numbers import Series, next_numbers
from services.billing.commands.payments import note_if_paid
from services.billing.commands.stripe_events import wake_unmatched
from services.billing.domain import periods
from services.billing.domain.journal import CURRENCY, Posting, PostingKind, invoice_entries
from services.billing.errors import DueBeforeIssue
from services.billing.models import Account, Invoice


@dataclass(frozen=True, slots=True)
class ReadyDraft:
    """A locked draft with its reference on it, and nothing in its way; the assignments in the order of its lines."""

    invoice: Invoice
    account: Account
    due_at: datetime
    assignment_ids: Sequence[UUID]


def due_of(asked: datetime | None, invoice: Invoice, account: Account, house: House, now: datetime) -> datetime:
    """On the day that was asked for, else by the account's terms; to its last second, as a due day is whole."""
    if asked is None:
        return periods.due_at(now, terms_days(account, house), house.zone)
    due_at = periods.last_second(asked.astimezone(house.zone).date(), house.zone)
    if due_at < now:
        raise DueBeforeIssue("an invoice is due after it is issued", invoice_id=invoice.id)
    return due_at


# Its mail follows from the issue by itself, as soon as the document is rendered.
_FREEZE = text(
    """
    UPDATE invoices
    SET document_status = 'issued', number = given.number, seller = :seller, buyer = CAST(given.buyer AS jsonb),
        issued_at = :now, sent_at = :now, due_at = given.due_at, version = version + given.event_count
    FROM unnest(:ids, :numbers, :buyers, :due_at, :event_counts) AS given (id, number, buyer, due_at, event_count)
    WHERE invoices.id = given.id AND document_status = 'draft'
    """
).bindparams(
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("seller", type_=JSONB),
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("numbers", type_=ARRAY(Text)),
    bindparam("buyers", type_=ARRAY(Text)),
    bindparam("due_at", type_=ARRAY(DateTime(timezone=True))),
    bindparam("event_counts", type_=ARRAY(BigInteger)),
)


async def issue_drafts(session: AsyncSession, ready: Sequence[ReadyDraft], house: House, now: datetime) -> None:
    """The invoices of `ready` are as they became when it returns. Credits that waited for the issue are given."""
    if not ready:
        return
    await session.flush()
    invoices = [each.invoice for each in ready]
    # A webhook may have come before us: its turn is now.
    await wake_unmatched(session, [each.stripe_invoice_id for each in invoices if each.stripe_invoice_id], now)
    ids = [each.id for each in invoices]
    on_lines = {each.invoice.id: each.assignment_ids for each in ready}
    await _freeze(session, ready, house, now)
    await post(session, [_posting(invoice, now) for invoice in invoices], now)
    for invoice in invoices:
        version = invoice.version - parts_of(on_lines[invoice.id])
        outbox.add(session, issued_event(invoice), version=version)
    list_invoiced(session, invoices, on_lines, now)
    for invoice in invoices:
        note_if_paid(session, invoice, now)
    await settle_issued(session, ids, house.approval, now)


async def _freeze(session: AsyncSession, ready: Sequence[ReadyDraft], house: House, now: datetime) -> None:
    ids = [each.invoice.id for each in ready]
    given = {
        "now": now,
        "seller": asdict(house.seller) | {"payment_details": house.payment_details},
        "ids": ids,
        "buyers": [json.dumps(asdict(buyer_of(each.account))) for each in ready],
        "due_at": [each.due_at for each in ready],
        "event_counts": [1 + parts_of(each.assignment_ids) for each in ready],
        "numbers": await next_numbers(session, house.numbering, Series.INVOICE, len(ready)),
    }
    await session.execute(_FREEZE, given)
    again = select(Invoice).where(Invoice.id.in_(ids)).execution_options(populate_existing=True)
    (await session.scalars(again)).all()


def _posting(invoice: Invoice, now: datetime) -> Posting:
    return Posting(
        source_key=f"invoice:{invoice.id}:issued",
        kind=PostingKind.INVOICE_ISSUED,
        occurred_at=now,
        entries=invoice_entries(invoice.subtotal_cents, invoice.gst_cents),
        party_id=invoice.account_id,
        invoice_id=invoice.id,
    )


def issued_event(invoice: Invoice) -> InvoiceIssued:
    return InvoiceIssued.model_validate(
        {
            "invoice_id": invoice.id,
            "kind": invoice.kind,
            "number": invoice.number,
            **invoice.parties,
            "subtotal_cents": invoice.subtotal_cents,
            "gst_cents": invoice.gst_cents,
            "total_cents": invoice.total_cents,
            "currency": CURRENCY,
            "stripe_invoice_id": invoice.stripe_invoice_id,
            "issued_at": invoice.issued_at,
            "due_at": invoice.due_at,
        }
    )
