"""The lists that operators filter, each in the order of its pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from contracts.values import CapStatus, InvoiceKind
from services.billing.domain.periods import Period
from services.billing.domain.statuses import (
    AdjustmentState,
    EventStatus,
    InvoiceStatus,
    StripeEventState,
)
from services.billing.errors import DeliveryNotFound
from services.billing.models import (
    Account,
    Adjustment,
    AdjustmentDelivery,
    DeliveryEvent,
    HeldDelivery,
    Invoice,
    InvoiceLine,
    Payment,
    Receipt,
    StripeEvent,
)
from services.billing.queries.standings import CONDITIONS, IS_OWED

Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """`dated` is a stretch of time in which the invoice was issued, or drafted where it is not issued."""

    kind: InvoiceKind | None = None
    status: InvoiceStatus | None = None
    account_id: UUID | None = None
    period: str | None = None
    overdue_at: datetime | None = None
    dated: Period | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    installer_id: UUID | None = None
    status: EventStatus | None = None
    cap_status: CapStatus | None = None
    period: Period | None = None
    lead_id: UUID | None = None
    assignment_id: UUID | None = None
    is_invoiced: bool | None = None


async def accounts(session: AsyncSession, page: PageRequest, kind: InvoiceKind | None) -> Sequence[Account]:
    query = select(Account)
    if kind is not None:
        query = query.where(Account.kind == kind)
    return (await session.scalars(page.apply(query, Account.created_at, Account.id))).all()


async def invoices(session: AsyncSession, page: PageRequest, wanted: InvoiceFilter) -> Sequence[Row[Invoice, str]]:
    """Invoices with the names of their accounts, newest first."""
    query = select(Invoice, Account.name.label("account_name")).join(Account, Account.id == Invoice.account_id)
    query = query.where(*_invoice_conditions(wanted))
    return (await session.execute(page.apply(query, Invoice.created_at, Invoice.id))).all()


def _invoice_conditions(wanted: InvoiceFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [CONDITIONS[wanted.status]] if wanted.status else []
    if wanted.kind is not None:
        conditions.append(Invoice.kind == wanted.kind)
    if wanted.account_id is not None:
        conditions.append(Invoice.account_id == wanted.account_id)
    if wanted.period is not None:
        conditions.append(Invoice.period == wanted.period)
    if wanted.overdue_at is not None:
        conditions += [IS_OWED, Invoice.due_at < wanted.overdue_at]
    if wanted.dated is not None:
        dated_at = func.coalesce(Invoice.issued_at, Invoice.created_at)
        conditions += [dated_at >= wanted.dated.start, dated_at < wanted.dated.end]
    return conditions


async def deliveries(
    session: AsyncSession, page: PageRequest, wanted: DeliveryFilter
) -> Sequence[Row[DeliveryEvent, str, Invoice]]:
    """Each with its installer's name and the invoice it is billed on (None while there is none), newest first."""
    query = _with_invoice().where(*_delivery_conditions(wanted))
    return (await session.execute(page.apply(query, DeliveryEvent.delivered_at, DeliveryEvent.id))).all()


async def delivery(session: AsyncSession, delivery_event_id: UUID) -> Row[DeliveryEvent, str, Invoice]:
    found = (await session.execute(_with_invoice().where(DeliveryEvent.id == delivery_event_id))).one_or_none()
    return DeliveryNotFound.unless(found, "there is no such delivery", delivery_event_id=delivery_event_id)


def _with_invoice() -> Select[DeliveryEvent, str, Invoice]:
    return billed(select(DeliveryEvent, Account.name.label("installer_name"), Invoice))


def billed(query: Query) -> Query:
    """Deliveries with the invoice that bills each: by a line of it, or by a debit of it that charges what came late."""
    charged = AdjustmentDelivery
    return (
        query.select_from(DeliveryEvent)
        .join(Account, Account.id == DeliveryEvent.installer_id)
        .outerjoin(InvoiceLine, (InvoiceLine.delivery_event_id == DeliveryEvent.id) & InvoiceLine.is_live)
        .outerjoin(charged, (charged.delivery_event_id == DeliveryEvent.id) & charged.is_live)
        .outerjoin(Adjustment, Adjustment.id == charged.adjustment_id)
        .outerjoin(Invoice, Invoice.id == func.coalesce(InvoiceLine.invoice_id, Adjustment.invoice_id))
    )


def _delivery_conditions(wanted: DeliveryFilter) -> list[ColumnElement[bool]]:
    same: list[tuple[Any, Any]] = [
        (DeliveryEvent.installer_id, wanted.installer_id),
        (DeliveryEvent.event_status, wanted.status),
        (DeliveryEvent.cap_status, wanted.cap_status),
        (DeliveryEvent.lead_id, wanted.lead_id),
        (DeliveryEvent.assignment_id, wanted.assignment_id),
    ]
    conditions: list[ColumnElement[bool]] = [column == value for column, value in same if value is not None]
    if wanted.period is not None:
        conditions += [
            DeliveryEvent.delivered_at >= wanted.period.start,
            DeliveryEvent.delivered_at < wanted.period.end,
        ]
    if wanted.is_invoiced is not None:
        conditions.append(Invoice.id.is_not(None) if wanted.is_invoiced else Invoice.id.is_(None))
    return conditions


async def held(session: AsyncSession, page: PageRequest, installer_id: UUID | None) -> Sequence[Row[HeldDelivery, str]]:
    """The queue with the installers' names, where they are known; the oldest delivery first."""
    query = (
        select(HeldDelivery, Account.name.label("installer_name"))
        .outerjoin(Account, Account.id == HeldDelivery.installer_id)
        .where(HeldDelivery.released_at.is_(None))
    )
    if installer_id is not None:
        query = query.where(HeldDelivery.installer_id == installer_id)
    query = page.apply(query, HeldDelivery.delivered_at, HeldDelivery.assignment_id, newest_first=False)
    return (await session.execute(query)).all()


async def adjustments(
    session: AsyncSession, page: PageRequest, state: AdjustmentState | None, invoice_id: UUID | None
) -> Sequence[Adjustment]:
    query = select(Adjustment)
    if state is not None:
        query = query.where(Adjustment.state == state)
    if invoice_id is not None:
        query = query.where(Adjustment.invoice_id == invoice_id)
    return (await session.scalars(page.apply(query, Adjustment.created_at, Adjustment.id))).all()


async def receipts(session: AsyncSession, page: PageRequest, account_id: UUID | None) -> Sequence[Receipt]:
    query = select(Receipt)
    if account_id is not None:
        query = query.where(Receipt.account_id == account_id)
    return (await session.scalars(page.apply(query, Receipt.received_at, Receipt.id))).all()


async def payments(
    session: AsyncSession, page: PageRequest, account_id: UUID | None, invoice_id: UUID | None
) -> Sequence[Payment]:
    query = select(Payment)
    if account_id is not None:
        query = query.where(Payment.invoice_id.in_(select(Invoice.id).where(Invoice.account_id == account_id)))
    if invoice_id is not None:
        query = query.where(Payment.invoice_id == invoice_id)
    return (await session.scalars(page.apply(query, Payment.received_at, Payment.id))).all()


async def stripe_events(
    session: AsyncSession, page: PageRequest, state: StripeEventState | None
) -> Sequence[StripeEvent]:
    query = select(StripeEvent)
    if state is not None:
        query = query.where(StripeEvent.state == state)
    return (await session.scalars(page.apply(query, StripeEvent.received_at, StripeEvent.id))).all()
