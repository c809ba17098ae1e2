"""Stripe's events: the next one to work off, and one to change."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.domain.statuses import DocumentStatus, StripeEventState
from services.billing.errors import StripeEventNotFound
from services.billing.models import Invoice, Payment, StripeEvent


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
    return StripeEventNotFound.unless(
        await session.get(StripeEvent, event_id, with_for_update=True, populate_existing=True),
        "there is no such event",
        stripe_event_id=event_id,
    )


async def with_invoice(session: AsyncSession, event_id: UUID) -> tuple[StripeEvent, Invoice | None]:
    """The invoice that names the event's Stripe invoice, if there is one."""
    event = StripeEventNotFound.unless(
        await session.get(StripeEvent, event_id), "there is no such event", stripe_event_id=event_id
    )
    query = select(Invoice).where(Invoice.stripe_invoice_id == (event.stripe_invoice_id or event.about_key))
    return event, (await session.scalars(query)).one_or_none()


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


@dataclass(frozen=True, slots=True)
class HeldReferences:
    """Payments at Stripe of one invoice that are not in the books: those that wait, and those that were ignored."""

    waiting: frozenset[str]
    ignored: frozenset[str]


async def held_references(session: AsyncSession, stripe_invoice_id: str) -> HeldReferences:
    query = select(StripeEvent.state, StripeEvent.held_references).where(
        StripeEvent.stripe_invoice_id == stripe_invoice_id, StripeEvent.held_references != []
    )
    waiting: set[str] = set()
    ignored: set[str] = set()
    for state, references in await session.execute(query):
        (ignored if state is StripeEventState.IGNORED else waiting).update(references)
    return HeldReferences(frozenset(waiting - ignored), frozenset(ignored))


async def open_references(session: AsyncSession, issued_since: datetime) -> list[str]:
    """Stripe invoices on which money may have come in unseen: of what is owed, and of what was issued lately and is
    not known to be paid there in full, though it is settled otherwise or void."""
    at_stripe = (
        select(func.coalesce(func.sum(Payment.amount_cents), 0))
        .where(Payment.invoice_id == Invoice.id, Payment.external_payment_ref.is_not(None))
        .scalar_subquery()
    )
    is_owed = (Invoice.document_status == DocumentStatus.ISSUED) & (Invoice.balance_cents > 0)
    is_payable = (Invoice.issued_at >= issued_since) & (Invoice.total_cents > at_stripe)
    query = select(Invoice.stripe_invoice_id).where(Invoice.stripe_invoice_id.is_not(None), is_owed | is_payable)
    return [reference for reference in await session.scalars(query.order_by(Invoice.due_at)) if reference]


async def pending_references(session: AsyncSession, stripe_invoice_ids: Sequence[str]) -> frozenset[str]:
    """Those of them that are about to be asked about."""
    query = select(StripeEvent.stripe_invoice_id).where(
        StripeEvent.stripe_invoice_id.in_(stripe_invoice_ids), StripeEvent.state == StripeEventState.PENDING
    )
    return frozenset(reference for reference in await session.scalars(query) if reference)
