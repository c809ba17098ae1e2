"""Write-offs: one to work on, and those of an invoice."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.paging import PageRequest
from services.billing.domain.settlement import WriteOffState
from services.billing.errors import WriteOffNotFound
from services.billing.models import Invoice, WriteOff
from services.billing.queries import invoices

LIVE = tuple(state for state in WriteOffState if state.is_live)


async def find(session: AsyncSession, write_off_id: UUID) -> WriteOff:
    return WriteOffNotFound.unless(
        await session.get(WriteOff, write_off_id), "billing has no such write-off", write_off_id=write_off_id
    )


async def lock(session: AsyncSession, write_off_id: UUID) -> tuple[Invoice, WriteOff]:
    """With its invoice, as it is now that nobody else can change it."""
    written = await find(session, write_off_id)
    invoice = await invoices.lock(session, written.invoice_id)
    await session.refresh(written)
    return invoice, written


async def pending_of(session: AsyncSession, invoice_id: UUID) -> WriteOff | None:
    query = select(WriteOff).where(WriteOff.invoice_id == invoice_id, WriteOff.state == WriteOffState.PENDING)
    return (await session.scalars(query)).one_or_none()


async def live_of(session: AsyncSession, invoice_id: UUID) -> WriteOff | None:
    """The one that waits or stands."""
    query = select(WriteOff).where(WriteOff.invoice_id == invoice_id, WriteOff.state.in_(LIVE))
    return (await session.scalars(query)).one_or_none()


async def of_invoice(session: AsyncSession, invoice_id: UUID) -> Sequence[WriteOff]:
    query = select(WriteOff).where(WriteOff.invoice_id == invoice_id)
    return (await session.scalars(query.order_by(WriteOff.created_at, WriteOff.id))).all()


async def listed(
    session: AsyncSession, page: PageRequest, state: WriteOffState | None, invoice_id: UUID | None
) -> Sequence[WriteOff]:
    """Newest first."""
    query = select(WriteOff)
    if state is not None:
        query = query.where(WriteOff.state == state)
    if invoice_id is not None:
        query = query.where(WriteOff.invoice_id == invoice_id)
    return (await session.scalars(page.apply(query, WriteOff.created_at, WriteOff.id))).all()
