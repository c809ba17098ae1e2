"""The queue of what is overdue: each invoice with the last promise about it and who sees to it, in a few statements."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from chassis.paging import PageRequest
from services.billing.domain.statuses import DocumentStatus
from services.billing.models import Account, Invoice, InvoiceOwner, Promise


@dataclass(frozen=True, slots=True)
class OverdueFilter:
    account_id: UUID | None = None
    owner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OverdueInvoice:
    """`promise` is the last one about it, whatever became of it."""

    invoice: Invoice
    due_at: datetime
    account_name: str
    is_held: bool
    owner: InvoiceOwner | None
    promise: Promise | None


async def queue(
    session: AsyncSession, page: PageRequest, today: datetime, asked: OverdueFilter
) -> list[OverdueInvoice]:
    """What was due before the business's day began at `today`, the longest overdue first."""
    about = select(Promise).where(Promise.invoice_id == Invoice.id).correlate(Invoice)
    last = about.order_by(Promise.made_at.desc(), Promise.id.desc()).limit(1).lateral()
    promise = aliased(Promise, last)
    query: Select[*tuple[Any, ...]] = (
        select(Invoice, Invoice.due_at, Account.name, Account.credit_hold, InvoiceOwner, promise)
        .join(Account, Account.id == Invoice.account_id)
        .outerjoin(InvoiceOwner, InvoiceOwner.invoice_id == Invoice.id)
        .outerjoin(promise, true())
        .where(Invoice.document_status == DocumentStatus.ISSUED, Invoice.balance_cents > 0, Invoice.due_at < today)
    )
    if asked.account_id is not None:
        query = query.where(Invoice.account_id == asked.account_id)
    if asked.owner_id is not None:
        query = query.where(InvoiceOwner.owner_id == asked.owner_id)
    rows = await session.execute(page.apply(query, Invoice.due_at, Invoice.id, newest_first=False))
    return [OverdueInvoice(*row) for row in rows]
