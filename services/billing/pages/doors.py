"""Where the pages of billing's other rooms are, and what a filter's id stands for."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.console import Console
from chassis.console.cells import Kind, Shown
from contracts.values import InvoiceKind
from services.billing.models import Account, DeliveryEvent, Invoice

DELIVERIES = "/console/delivery-events"
HELD = "/console/held-deliveries"
INVOICES = "/console/invoices"
PAYMENTS = "/console/payments"
RECEIPTS = "/console/receipts"
VOID_REQUESTS = "/console/void-requests"
WRITE_OFFS = "/console/write-offs"
ROOMS = {InvoiceKind.INSTALLER: INVOICES, InvoiceKind.CLIENT: "/console/client-invoices"}


def invoice_path(kind: Any, invoice_id: UUID) -> str:
    return f"{ROOMS[InvoiceKind(kind)]}/{invoice_id}"


def account_path(account_id: UUID) -> str:
    return f"/console/accounts/{account_id}"


def decision_of(delivery: DeliveryEvent, console: Console) -> Shown:
    """Routing tells it among all that it decided about the lead."""
    id_ = delivery.decision_id
    if id_ is None:
        return Shown(None)
    return Shown(
        str(id_)[-8:],
        Kind.ID,
        path=console.addresses.url("routing", f"/console/dispatches/{delivery.lead_id}#decision-{id_}"),
    )


async def account_name(session: AsyncSession, account_id: UUID) -> str | None:
    return await session.scalar(select(Account.name).where(Account.id == account_id))


async def invoice_number(session: AsyncSession, invoice_id: UUID) -> str | None:
    return await session.scalar(select(Invoice.number).where(Invoice.id == invoice_id))
