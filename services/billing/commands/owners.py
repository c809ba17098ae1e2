"""Who sees to it that an invoice is paid: taken, handed over, given back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.errors import OwnerUnknown
from services.billing.models import Invoice, InvoiceOwner, KnownOperator
from services.billing.queries import invoices


@dataclass(frozen=True, slots=True)
class GiveInvoice:
    """Without an owner it is nobody's."""

    invoice_id: UUID
    owner_id: UUID | None


@dataclass(frozen=True, slots=True)
class GivenInvoice:
    """Names of before and after; None for nobody."""

    invoice: Invoice
    before: str | None
    after: str | None
    is_changed: bool


async def give_invoice(session: AsyncSession, command: GiveInvoice, now: datetime) -> GivenInvoice:
    invoice = await invoices.lock(session, command.invoice_id)
    name = None if command.owner_id is None else await _name_of(session, command.owner_id)
    owner = await session.get(InvoiceOwner, invoice.id, populate_existing=True)
    before_id, before = (None, None) if owner is None else (owner.owner_id, owner.owner_name)
    if before_id == command.owner_id:
        return GivenInvoice(invoice, before, before, is_changed=False)
    if owner is None:
        owner = InvoiceOwner(invoice_id=invoice.id)
        session.add(owner)
    owner.owner_id, owner.owner_name, owner.changed_at = command.owner_id, name, now
    await session.flush()
    return GivenInvoice(invoice, before, name, is_changed=True)


async def _name_of(session: AsyncSession, owner_id: UUID) -> str:
    """Only of who can do what is to be done about it."""
    operator = await session.get(KnownOperator, owner_id)
    if operator is None or not operator.may_own:
        raise OwnerUnknown("no active operator of that id sees to invoices", owner_id=owner_id)
    return operator.name
