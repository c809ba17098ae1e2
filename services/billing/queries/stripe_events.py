"""Stripe's events: the next one to work off, and one to change."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.statuses import DocumentStatus, StripeEventState
from services.billing.errors import StripeEventNotFound
from services.billing.models import Invoice, StripeEvent


async def lock_due(session: AsyncSession, now: datetime) -> StripeEvent | None:
    """The pending event that waits longest; those that another process holds are passed over."""
    query = (
        select(StripeEvent)
        .where(StripeEvent.state == StripeEventState.PENDING, StripeEvent.next_attempt_at <= now)
        .order_by(StripeEvent.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).one_or_none()


async def lock(session: AsyncSession, event_id: UUID) -> StripeEvent:
    event = await session.get(StripeEvent, event_id, with_for_update=True, populate_existing=True)
    if event is None:
        raise StripeEventNotFound("there is no such event", stripe_event_id=event_id)
    return event


async def waiting(
    session: AsyncSession, states: Collection[StripeEventState]
) -> dict[StripeEventState, tuple[int, datetime]]:
    """How many there are in each state, and since when; those without any are left out."""
    query = (
        select(StripeEvent.state, func.count(), func.min(StripeEvent.received_at))
        .where(StripeEvent.state.in_(states))
        .group_by(StripeEvent.state)
    )
    return {StripeEventState(state): (count, oldest_at) for state, count, oldest_at in await session.execute(query)}


async def owed_references(session: AsyncSession) -> list[str]:
    """The Stripe invoices of what is issued and not paid in full."""
    query = select(Invoice.stripe_invoice_id).where(
        Invoice.document_status == DocumentStatus.ISSUED,
        Invoice.balance_cents > 0,
        Invoice.stripe_invoice_id.is_not(None),
    )
    return [reference for reference in await session.scalars(query.order_by(Invoice.due_at)) if reference]
