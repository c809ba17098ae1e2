"""What billing finds for the search over all services: by number, name, e-mail, ABN, a payment's reference, any id."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console.desk import MOST_HITS, Finder, Hit
from chassis.console.wording import money, words
from contracts.identity import Capability
from services.billing.models import Account, Adjustment, CreditRequest, DeliveryEvent, Invoice, Payment
from services.billing.pages.adjustments import KINDS, STATES
from services.billing.pages.adjustments import PATH as ADJUSTMENTS
from services.billing.pages.credit_proposals import PATH as CREDITS
from services.billing.pages.credit_proposals import say_state
from services.billing.pages.doors import DELIVERIES, account_path, invoice_path


def _is(text: str, *columns: Any) -> list[ColumnElement[bool]]:
    try:
        wanted = UUID(text)
    except ValueError:
        return []
    return [column == wanted for column in columns]


async def _find_invoices(session: AsyncSession, text: str) -> list[Hit]:
    """A payment's reference finds the invoice that it paid."""
    paid = select(Payment.invoice_id).where(or_(Payment.reference == text, Payment.external_payment_ref == text))
    query = (
        select(Invoice, Account.name)
        .join(Account, Account.id == Invoice.account_id)
        .where(
            or_(
                Invoice.number.istartswith(text, autoescape=True),
                Invoice.stripe_invoice_id == text,
                func.lower(Invoice.purchase_order) == text.lower(),
                Invoice.id.in_(paid),
                *_is(text, Invoice.id, Invoice.board_id),
            )
        )
        .order_by(Invoice.created_at.desc(), Invoice.id)
        .limit(MOST_HITS)
    )
    return [_invoice_hit(invoice, name) for invoice, name in await session.execute(query)]


def _invoice_hit(invoice: Invoice, name: str) -> Hit:
    owed = f", {money(invoice.owed_cents)} owed" if invoice.owed_cents else ""
    detail = f"{name}, {money(invoice.adjusted_total_cents)}, {words(invoice.status).lower()}{owed}"
    return Hit(invoice.number or "Draft", detail, invoice_path(invoice.kind, invoice.id))


async def _find_accounts(session: AsyncSession, text: str) -> list[Hit]:
    digits = "".join(text.split())
    query = (
        select(Account)
        .where(
            or_(
                Account.name.icontains(text, autoescape=True),
                Account.billing_name.icontains(text, autoescape=True),
                func.lower(Account.billing_email) == text.lower(),
                Account.abn == digits,
                Account.stripe_customer_id == text,
                *_is(text, Account.id),
            )
        )
        .order_by(Account.name, Account.id)
        .limit(MOST_HITS)
    )
    found: Sequence[Account] = (await session.scalars(query)).all()
    return [Hit(each.name, f"{words(each.kind)}, {each.billing_email}", account_path(each.id)) for each in found]


async def _find_deliveries(session: AsyncSession, text: str) -> list[Hit]:
    """By its own id, its lead's or its assignment's."""
    same = _is(text, DeliveryEvent.id, DeliveryEvent.lead_id, DeliveryEvent.assignment_id)
    if not same:
        return []
    query = (
        select(DeliveryEvent, Account.name)
        .join(Account, Account.id == DeliveryEvent.installer_id)
        .where(or_(*same))
        .order_by(DeliveryEvent.delivered_at.desc(), DeliveryEvent.id)
        .limit(MOST_HITS)
    )
    return [
        Hit(
            f"{words(each.service)}, {each.locality}",
            f"Delivered to {name}, {words(each.event_status).lower()}",
            f"{DELIVERIES}/{each.id}",
        )
        for each, name in await session.execute(query)
    ]


async def _find_adjustments(session: AsyncSession, text: str) -> list[Hit]:
    query = (
        select(Adjustment, Invoice.number)
        .join(Invoice, Invoice.id == Adjustment.invoice_id)
        .where(or_(Adjustment.number.istartswith(text, autoescape=True), *_is(text, Adjustment.id)))
        .order_by(Adjustment.created_at.desc(), Adjustment.id)
        .limit(MOST_HITS)
    )
    return [_adjustment_hit(adjustment, number) for adjustment, number in await session.execute(query)]


def _adjustment_hit(adjustment: Adjustment, number: str | None) -> Hit:
    title = adjustment.number or f"{KINDS[adjustment.type]} on {number}"
    detail = f"{money(adjustment.inc_gst_cents)} on {number}, {STATES[adjustment.state].lower()}"
    return Hit(title, detail, f"{ADJUSTMENTS}/{adjustment.id}")


async def _find_requests(session: AsyncSession, text: str) -> list[Hit]:
    """By its own id, the deed's, the lead's or the assignment's."""
    same = _is(
        text, CreditRequest.request_id, CreditRequest.deed_id, CreditRequest.assignment_id, CreditRequest.lead_id
    )
    if not same:
        return []
    query = (
        select(CreditRequest, Account.name)
        .outerjoin(Account, Account.id == CreditRequest.installer_id)
        .where(or_(*same))
        .order_by(CreditRequest.asked_at.desc(), CreditRequest.request_id)
        .limit(MOST_HITS)
    )
    return [
        Hit(
            f"Credit for {name or 'an installer'}",
            f"{words(each.reason_code)}, {say_state(each.result).lower()}",
            f"{CREDITS}/{each.request_id}",
        )
        for each, name in await session.execute(query)
    ]


FINDERS = (
    Finder("Invoices", Capability.READ_OPS, _find_invoices),
    Finder("Billing accounts", Capability.READ_OPS, _find_accounts),
    Finder("Deliveries", Capability.READ_OPS, _find_deliveries),
    Finder("Credit proposals", Capability.READ_OPS, _find_requests),
    Finder("Adjustments", Capability.READ_OPS, _find_adjustments),
)
