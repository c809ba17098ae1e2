"""The queue of what is overdue over HTTP: what was promised, who sees to it, and what is done next about it."""

from datetime import date, datetime
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import get
from litestar.params import FromQuery
from pydantic import BaseModel, Field

from chassis.clock import Clock
from chassis.console.fields import start_of
from chassis.database import Database
from chassis.http import Given, requires
from chassis.paging import Page, PageRequest
from contracts.identity import Capability
from contracts.values import InvoiceKind
from services.billing.commands.house import House
from services.billing.domain.periods import days_overdue
from services.billing.domain.promises import NextStep, PromiseState, next_step
from services.billing.queries import overdue
from services.billing.queries.overdue import OverdueFilter, OverdueInvoice


class LastPromise(BaseModel):
    id: UUID
    state: PromiseState
    amount_cents: int
    promised_for: date
    promised_by: str | None


class OverdueInvoiceView(BaseModel):
    """`next_step` follows from the last promise about it, else from how long it has been overdue."""

    invoice_id: UUID
    number: str | None
    kind: InvoiceKind
    account_id: UUID
    account_name: str
    due_at: datetime
    days_overdue: int
    owed_cents: int
    currency: str
    mailed_count: int
    last_mailed_at: datetime | None
    promise: LastPromise | None = Field(description="the last one, whatever became of it")
    owner_id: UUID | None
    owner_name: str | None
    next_step: NextStep

    @classmethod
    def of(cls, found: OverdueInvoice, now: datetime, zone: ZoneInfo) -> Self:
        invoice, owner, promise = found.invoice, found.owner, found.promise
        days = days_overdue(found.due_at, now, zone)
        return cls(
            invoice_id=invoice.id,
            number=invoice.number,
            kind=invoice.kind,
            account_id=invoice.account_id,
            account_name=found.account_name,
            due_at=found.due_at,
            days_overdue=days,
            owed_cents=invoice.balance_cents,
            currency=invoice.currency,
            mailed_count=invoice.send_no,
            last_mailed_at=invoice.sent_at,
            promise=LastPromise.model_validate(promise, from_attributes=True) if promise else None,
            owner_id=owner.owner_id if owner else None,
            owner_name=owner.owner_name if owner else None,
            next_step=next_step(invoice.kind, days, promise.state if promise else None, is_held=found.is_held),
        )


@get("/admin/billing/overdue", guards=[requires(Capability.READ_OPS)])
async def list_overdue(
    database: Given[Database],
    page: Given[PageRequest],
    clock: Given[Clock],
    house: Given[House],
    account_id: FromQuery[UUID | None] = None,
    owner_id: FromQuery[UUID | None] = None,
) -> Page[OverdueInvoiceView]:
    """What is owed past its due day, the longest overdue first."""
    now, zone = clock.now(), house.zone
    today = start_of(now.astimezone(zone).date(), zone)
    async with database.reading() as session:
        found = await overdue.queue(session, page, today, OverdueFilter(account_id, owner_id))
    return page.page(
        found, lambda each: (each.due_at, each.invoice.id), lambda each: OverdueInvoiceView.of(each, now, zone)
    )


ROUTES = (list_overdue,)
