"""What is found by a name, a number or an id, what waits for finance, and how the month stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Row, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.values import CreditReason, InvoiceKind, ProductType
from services.billing.domain.periods import Period
from services.billing.domain.statuses import DocumentStatus, EventStatus
from services.billing.models import Account, DeliveryEvent, HeldDelivery, Invoice
from services.billing.queries.standings import IS_ISSUED, IS_OWED, TOTAL_CENTS

MOST = 6


async def find_invoices(session: AsyncSession, text: str) -> Sequence[Row[Invoice, str]]:
    """By number, Stripe id, purchase order or any id; with the names of their accounts, the newest first."""
    named = [
        Invoice.number.icontains(text, autoescape=True),
        Invoice.stripe_invoice_id == text,
        Invoice.purchase_order.icontains(text, autoescape=True),
    ]
    query = select(Invoice, Account.name).join(Account, Account.id == Invoice.account_id)
    query = query.where(or_(*named, *_by_id(text, Invoice.id, Invoice.board_id)))
    return (await session.execute(query.order_by(Invoice.created_at.desc()).limit(MOST))).all()


async def find_accounts(session: AsyncSession, text: str) -> Sequence[Account]:
    """By name, ABN, billing e-mail, Stripe customer or id."""
    digits = text.replace(" ", "")
    named = [
        Account.name.icontains(text, autoescape=True),
        Account.billing_name.icontains(text, autoescape=True),
        Account.billing_email.icontains(text, autoescape=True),
        Account.stripe_customer_id == text,
        *([func.replace(Account.abn, " ", "") == digits] if digits.isdigit() else []),
    ]
    query = select(Account).where(or_(*named, *_by_id(text, Account.id)))
    return (await session.scalars(query.order_by(Account.name).limit(MOST))).all()


async def find_deliveries(session: AsyncSession, text: str) -> Sequence[Row[DeliveryEvent, str]]:
    """By an id alone: its own, its lead's or its assignment's."""
    wanted = _by_id(text, DeliveryEvent.id, DeliveryEvent.lead_id, DeliveryEvent.assignment_id)
    if not wanted:
        return []
    query = select(DeliveryEvent, Account.name).join(Account, Account.id == DeliveryEvent.installer_id)
    return (await session.execute(query.where(or_(*wanted)).limit(MOST))).all()


@dataclass(frozen=True, slots=True)
class Queue:
    number: int
    oldest: datetime | None


async def held_queue(session: AsyncSession) -> Queue:
    query = select(func.count(), func.min(HeldDelivery.held_at)).where(HeldDelivery.released_at.is_(None))
    return Queue(*(await session.execute(query)).one())


async def draft_queue(session: AsyncSession, kind: InvoiceKind) -> Queue:
    query = select(func.count(), func.min(Invoice.created_at))
    query = query.where(Invoice.document_status == DocumentStatus.DRAFT, Invoice.kind == kind)
    return Queue(*(await session.execute(query)).one())


async def invoiced_cents(session: AsyncSession, period: Period) -> int:
    """Of what was issued in it, with credits and debits since."""
    query = select(func.sum(TOTAL_CENTS)).where(IS_ISSUED, Invoice.issued_at >= period.start)
    return int(await session.scalar(query.where(Invoice.issued_at < period.end)) or 0)


async def outstanding(session: AsyncSession) -> tuple[int, int]:
    """How many invoices are owed, and how much."""
    query = select(func.count(), func.coalesce(cast(func.sum(Invoice.balance_cents), BigInteger), 0)).where(IS_OWED)
    number, cents = (await session.execute(query)).one()
    return number, cents


async def deliveries_by_status(session: AsyncSession, period: Period) -> dict[EventStatus, int]:
    query = select(DeliveryEvent.event_status, func.count()).where(*_in(period)).group_by(DeliveryEvent.event_status)
    return {EventStatus(status): number for status, number in await session.execute(query)}


async def billable_by_product(session: AsyncSession, period: Period) -> dict[ProductType, int]:
    billable = DeliveryEvent.event_status == EventStatus.BILLABLE
    query = select(DeliveryEvent.product_type, func.count()).where(billable, *_in(period))
    rows = await session.execute(query.group_by(DeliveryEvent.product_type))
    return {ProductType(product): number for product, number in rows}


async def credited_by_reason(session: AsyncSession, period: Period) -> dict[CreditReason, int]:
    """Of its deliveries that are credited or void by now; the most frequent reason first."""
    number = func.count().label("number")
    query = select(DeliveryEvent.credit_reason_code, number).where(DeliveryEvent.credit_reason_code.is_not(None))
    query = query.where(*_in(period)).group_by(DeliveryEvent.credit_reason_code).order_by(number.desc())
    return {CreditReason(row.credit_reason_code): row.number for row in await session.execute(query)}


def _in(period: Period) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return DeliveryEvent.delivered_at >= period.start, DeliveryEvent.delivered_at < period.end


def _by_id(text: str, *columns: ColumnElement[UUID] | object) -> list[ColumnElement[bool]]:
    try:
        wanted = UUID(text)
    except ValueError:
        return []
    return [column == wanted for column in columns]  # type: ignore[misc]
