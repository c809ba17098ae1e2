"""What is typed into Stripe for a whole month: each invoice with its items, in portions of one snapshot."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, bindparam, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from contracts.values import GstTreatment, InvoiceKind, ProductType
from services.billing.domain.printed import PRODUCTS
from services.billing.domain.statuses import DocumentStatus
from services.billing.models import Account, Invoice
from services.billing.queries.months import Scope, within

PORTION = 500


@dataclass(frozen=True, slots=True)
class ExportItem:
    """Lines of one description, price and tax together; `amount_cents` as the price is told."""

    description: str
    quantity: int
    unit_price_cents: int
    amount_cents: int
    gst_cents: int
    gst_treatment: GstTreatment
    includes_gst: bool


@dataclass(frozen=True, slots=True)
class ExportedInvoice:
    invoice: Invoice
    account: Account
    items: Sequence[ExportItem]


_ITEMS = text(
    """
    SELECT l.invoice_id, d.product_type, CASE WHEN d.product_type IS NULL THEN l.description END AS description,
           sum(l.quantity)::bigint AS quantity, l.unit_price_cents,
           sum(l.quantity * l.unit_price_cents)::bigint AS amount_cents, sum(l.gst_cents)::bigint AS gst_cents,
           l.gst_treatment, l.includes_gst
    FROM invoice_lines l LEFT JOIN delivery_events d ON d.id = l.delivery_event_id
    WHERE l.invoice_id = ANY(:invoice_ids)
    GROUP BY l.invoice_id, d.product_type, 3, l.unit_price_cents, l.gst_treatment, l.includes_gst
    ORDER BY l.invoice_id, min(l.line_no)
    """
).bindparams(bindparam("invoice_ids", type_=ARRAY(Uuid)))


async def items_of(session: AsyncSession, invoice_ids: Collection[UUID]) -> dict[UUID, list[ExportItem]]:
    """In the order of their first lines."""
    found: dict[UUID, list[ExportItem]] = {id_: [] for id_ in invoice_ids}
    for row in await session.execute(_ITEMS, {"invoice_ids": list(invoice_ids)}):
        found[row.invoice_id].append(_item(row))
    return found


def _item(row: Row[Any]) -> ExportItem:
    return ExportItem(
        description=PRODUCTS[ProductType(row.product_type)] if row.product_type else row.description,
        quantity=row.quantity,
        unit_price_cents=row.unit_price_cents,
        amount_cents=row.amount_cents,
        gst_cents=row.gst_cents,
        gst_treatment=GstTreatment(row.gst_treatment),
        includes_gst=row.includes_gst,
    )


async def page_of(session: AsyncSession, period: str, scope: Scope, page: PageRequest) -> list[ExportedInvoice]:
    """Drafted last first, one more than the page holds."""
    return await _with_items(session, page.apply(_invoices(period, scope), Invoice.created_at, Invoice.id))


async def portions(session: AsyncSession, period: str, scope: Scope) -> AsyncIterator[list[ExportedInvoice]]:
    """All of them by the installers' names. The caller's snapshot holds them together."""
    order = (Account.name, Invoice.id)
    query = _invoices(period, scope).order_by(*order).limit(PORTION)
    found = await _with_items(session, query)
    while found:
        yield found
        last = found[-1]
        after = tuple_(*order) > (last.account.name, last.invoice.id)
        session.expunge_all()
        found = await _with_items(session, query.where(after))


async def one(session: AsyncSession, invoice_id: UUID) -> list[ExportedInvoice]:
    query = select(Invoice, Account).join(Account, Account.id == Invoice.account_id).where(Invoice.id == invoice_id)
    return await _with_items(session, query)


def _invoices(period: str, scope: Scope) -> Select[Invoice, Account]:
    """Drafts and issued ones: what is void is typed in nowhere."""
    return (
        select(Invoice, Account)
        .join(Account, Account.id == Invoice.account_id)
        .where(Invoice.period == period, Invoice.kind == InvoiceKind.INSTALLER)
        .where(Invoice.document_status != DocumentStatus.VOID, within(scope))
    )


async def _with_items(session: AsyncSession, query: Select[Invoice, Account]) -> list[ExportedInvoice]:
    found = (await session.execute(query)).all()
    items = await items_of(session, [invoice.id for invoice, _ in found])
    return [ExportedInvoice(invoice, account, items[invoice.id]) for invoice, account in found]
