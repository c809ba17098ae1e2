"""Webhooks after they proved authentic: a note to ask Stripe again, worked off outside the request.

Events come twice, late and in any order, so none is believed: its invoice's payments are asked for anew, and each is
recorded once. What cannot be recorded waits for a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.errors import Refusal
from chassis.ids import new_id
from services.billing.commands.payments import RecordPayment, record_payment
from services.billing.domain.journal import CURRENCY
from services.billing.domain.statuses import PaymentMethod, StripeEventState
from services.billing.domain.webhooks import ReceivedEvent
from services.billing.models import Invoice, StripeEvent
from services.billing.queries import invoices, stripe_events

LEASE = timedelta(seconds=60)
"""Longer than asking Stripe takes: a process that died leaves its event to the next one."""
LONGEST_WAIT = timedelta(minutes=15)
BY = "stripe"


@dataclass(frozen=True, slots=True)
class PaidAtStripe:
    reference: str
    amount_cents: int
    currency: str
    paid_at: datetime


async def receive_event(session: AsyncSession, event: ReceivedEvent, now: datetime) -> None:
    """Once per event id, however often it is delivered."""
    is_ours = event.stripe_invoice_id is not None
    await session.execute(
        insert(StripeEvent)
        .values(
            id=new_id(),
            event_id=event.event_id,
            type=event.type,
            stripe_invoice_id=event.stripe_invoice_id,
            state=StripeEventState.PENDING if is_ours else StripeEventState.IGNORED,
            received_at=now,
            next_attempt_at=now,
            settled_at=None if is_ours else now,
        )
        .on_conflict_do_nothing(index_elements=["event_id"])
    )


async def lease_event(session: AsyncSession, now: datetime) -> StripeEvent | None:
    """The pending event that waits longest, for this process alone until the lease ends."""
    event = await stripe_events.lock_due(session, now)
    if event is not None:
        event.attempts += 1
        event.next_attempt_at = now + LEASE
    return event


async def settle_event(session: AsyncSession, event_id: UUID, paid: Sequence[PaidAtStripe], now: datetime) -> None:
    """Records what Stripe has and we have not; replayed, reordered and doubled events change nothing."""
    event = await stripe_events.lock(session, event_id)
    if event.state is not StripeEventState.PENDING or event.stripe_invoice_id is None:
        return
    await _lock_reference(session, event.stripe_invoice_id)
    invoice = await invoices.lock_by_stripe_id(session, event.stripe_invoice_id)
    if invoice is None:
        event.state, event.detail = StripeEventState.UNMATCHED, "no invoice of ours has this Stripe reference yet"
        return
    held = [reason for payment in paid if (reason := await _record(session, invoice, payment, now))]
    event.state = StripeEventState.HELD if held else StripeEventState.PROCESSED
    event.detail = "; ".join(held) or None
    event.settled_at = None if held else now


async def ignore_event(session: AsyncSession, event_id: UUID, detail: str, now: datetime) -> None:
    """Stripe itself does not know the invoice (any more)."""
    event = await stripe_events.lock(session, event_id)
    event.state, event.detail, event.settled_at = StripeEventState.IGNORED, detail, now


async def try_event_later(session: AsyncSession, event_id: UUID, detail: str, now: datetime) -> None:
    event = await stripe_events.lock(session, event_id)
    event.detail = detail
    event.next_attempt_at = now + min(LONGEST_WAIT, timedelta(seconds=2 ** min(event.attempts, 10)))


async def retry_event(session: AsyncSession, event_id: UUID, now: datetime) -> StripeEvent:
    """An operator has mended what held it."""
    event = await stripe_events.lock(session, event_id)
    if event.state in {StripeEventState.HELD, StripeEventState.UNMATCHED}:
        event.state, event.next_attempt_at = StripeEventState.PENDING, now
    return event


async def ask_about_owed(session: AsyncSession, due_at: datetime, now: datetime) -> None:
    """Has Stripe asked about every invoice that is still owed, as if it had told us: a webhook can be lost for good.

    Once per run of the schedule, which `due_at` names.
    """
    owed = await stripe_events.owed_references(session)
    if not owed:
        return
    questions = [
        {
            "id": new_id(),
            "event_id": f"sweep:{due_at.isoformat()}:{stripe_invoice_id}",
            "type": "sweep",
            "stripe_invoice_id": stripe_invoice_id,
            "state": StripeEventState.PENDING,
            "received_at": now,
            "next_attempt_at": now,
        }
        for stripe_invoice_id in owed
    ]
    await session.execute(insert(StripeEvent).on_conflict_do_nothing(index_elements=["event_id"]), questions)


async def wake_unmatched(session: AsyncSession, stripe_invoice_id: str) -> None:
    """The invoice that events waited for has its reference now."""
    await _lock_reference(session, stripe_invoice_id)
    await session.execute(
        update(StripeEvent)
        .where(StripeEvent.stripe_invoice_id == stripe_invoice_id, StripeEvent.state == StripeEventState.UNMATCHED)
        .values(state=StripeEventState.PENDING)
    )


async def _record(session: AsyncSession, invoice: Invoice, paid: PaidAtStripe, now: datetime) -> str | None:
    """Why a payment has to wait for a person; None where it is recorded, now or before."""
    if paid.currency.upper() != CURRENCY:
        return f"{paid.reference} is in {paid.currency.upper()}"
    command = RecordPayment(
        invoice_id=invoice.id,
        amount_cents=paid.amount_cents,
        received_at=paid.paid_at,
        method=PaymentMethod.STRIPE,
        by=BY,
        external_payment_ref=paid.reference,
    )
    try:
        await record_payment(session, command, now)
    except Refusal as refusal:
        return f"{paid.reference}: {refusal.detail}"
    return None


async def _lock_reference(session: AsyncSession, stripe_invoice_id: str) -> None:
    """An event that finds no invoice and an issue that finds no event must not pass each other unseen."""
    key = {"key": f"billing.stripe:{stripe_invoice_id}"}
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), key)
