"""Voids that were asked for: one to work on, and those of an invoice."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.billing.domain.voids import VoidState
from services.billing.errors import VoidRequestNotFound
from services.billing.models import Invoice, VoidRequest
from services.billing.queries import invoices


async def find(session: AsyncSession, void_request_id: UUID) -> VoidRequest:
    return VoidRequestNotFound.unless(
        await session.get(VoidRequest, void_request_id),
        "nobody asked for such a void",
        void_request_id=void_request_id,
    )


async def lock(session: AsyncSession, void_request_id: UUID) -> tuple[Invoice, VoidRequest]:
    """With its invoice, as it is now that nobody else can change it."""
    asked = await find(session, void_request_id)
    invoice = await invoices.lock(session, asked.invoice_id)
    await session.refresh(asked)
    return invoice, asked


async def pending_of(session: AsyncSession, invoice_id: UUID) -> VoidRequest | None:
    query = select(VoidRequest).where(VoidRequest.invoice_id == invoice_id, VoidRequest.state == VoidState.PENDING)
    return (await session.scalars(query)).one_or_none()


async def of_invoice(session: AsyncSession, invoice_id: UUID) -> Sequence[VoidRequest]:
    query = select(VoidRequest).where(VoidRequest.invoice_id == invoice_id)
    return (await session.scalars(query.order_by(VoidRequest.created_at, VoidRequest.id))).all()


async def listed(
    session: AsyncSession, page: PageRequest, state: VoidState | None, invoice_id: UUID | None
) -> Sequence[VoidRequest]:
    """Newest first."""
    query = select(VoidRequest)
    if state is not None:
        query = query.where(VoidRequest.state == state)
    if invoice_id is not None:
        query = query.where(VoidRequest.invoice_id == invoice_id)
    return (await session.scalars(page.apply(query, VoidRequest.created_at, VoidRequest.id))).all()
