"""Webhooks after they proved authentic: a note to ask Stripe again, worked off outside the request.

Events come twice, late and in any order, so none is believed: its invoice's payments are asked for anew, and each is
recorded once, whole. What cannot be recorded waits for a person, who is told.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import outbox
from chassis.errors import Refusal
from chassis.ids import new_id
from contracts.billing import InvoicePaymentHeld
from services.billing.commands.payments import RecordPayment, record_payment
from services.billing.domain import webhooks
from services.billing.domain.journal import CURRENCY
from services.billing.domain.statuses import DocumentStatus, PaymentMethod, StripeEventState
from services.billing.domain.webhooks import ReceivedEvent
from services.billing.errors import StripeEventNotWaiting
from services.billing.models import Invoice, StripeEvent
from services.billing.queries import invoices, stripe_events

LEASE = timedelta(seconds=30)
"""Longer than an answer of Stripe's takes: a process that died leaves its event to the next one. Two that have asked
record what was paid once."""
LONGEST_WAIT = timedelta(minutes=15)
ASKED_FOR = timedelta(days=90)
"""So long after its issue an invoice is paid at Stripe by people who do not know that it is settled or void."""
BY = "stripe"
NO_KEY = "no key of Stripe's is set, so it cannot be asked"


@dataclass(frozen=True, slots=True)
class PaidAtStripe:
    reference: str
    amount_cents: int
    currency: str
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a payment cannot be recorded."""

    payment: PaidAtStripe
    code: str
    detail: str


async def receive_event(session: AsyncSession, event: ReceivedEvent, now: datetime) -> None:
    """Once per event id, however often it is delivered."""
    await receive_events(session, [event], now)


async def receive_events(
    session: AsyncSession, events: Sequence[ReceivedEvent], now: datetime, *, was_missed: bool = False
) -> int:
    """How many of them were not known yet; `was_missed` are those that no webhook brought."""
    if not events:
        return 0
    rows = {event.event_id: _row(event, now) | {"was_missed": was_missed} for event in events}
    statement = insert(StripeEvent).values([rows[event_id] for event_id in sorted(rows)])
    kept = statement.on_conflict_do_nothing(index_elements=["event_id"]).returning(StripeEvent.id)
    return len((await session.execute(kept)).all())


def _row(event: ReceivedEvent, now: datetime) -> dict[str, object]:
    state, subject = event.first_state, event.subject
    return {
        "id": new_id(),
        "event_id": event.event_id,
        "type": event.type,
        "stripe_invoice_id": event.stripe_invoice_id,
        "about": subject.about if subject else None,
        "about_key": subject.key if subject else None,
        "state": state,
        "received_at": now,
        "next_attempt_at": now,
        "settled_at": None if state is StripeEventState.PENDING else now,
    }


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
    await lock_references(session, [event.stripe_invoice_id])
    invoice = await invoices.lock_by_stripe_id(session, event.stripe_invoice_id)
    if invoice is None or invoice.document_status is DocumentStatus.DRAFT:
        # A draft that keeps the reference already wakes it with its issue.
        event.state, event.detail = (
            StripeEventState.UNMATCHED,
            "no issued invoice of ours has this Stripe reference yet",
        )
        return
    known = await stripe_events.held_references(session, event.stripe_invoice_id)
    asked = [payment for payment in paid if payment.reference not in known.ignored]
    faults = [fault for payment in asked if (fault := await _record(session, invoice, payment, now))]
    _settle(event, faults, now)
    for fault in faults:
        if fault.payment.reference not in known.waiting:
            outbox.add(session, _held_event(invoice, fault, now), version=invoice.next_version())


async def forget_event(session: AsyncSession, event_id: UUID, detail: str, now: datetime) -> None:
    """Stripe itself does not know the invoice (any more)."""
    event = await stripe_events.lock(session, event_id)
    if event.state is StripeEventState.PENDING:
        event.state, event.detail, event.settled_at = StripeEventState.IGNORED, detail, now


async def try_event_later(session: AsyncSession, event_id: UUID, detail: str, now: datetime) -> None:
    event = await stripe_events.lock(session, event_id)
    if event.state is StripeEventState.PENDING:
        event.detail = detail
        event.next_attempt_at = now + min(LONGEST_WAIT, timedelta(seconds=2 ** min(event.attempts, 10)))


async def retry_event(session: AsyncSession, event_id: UUID, now: datetime) -> StripeEvent:
    """An operator has mended what held it."""
    event = await stripe_events.lock(session, event_id)
    if webhooks.obstacle_to_retrying(event.state) is None:
        event.state, event.next_attempt_at = StripeEventState.PENDING, now
    return event


async def ignore_event(session: AsyncSession, event_id: UUID, reason: str, now: datetime) -> StripeEvent:
    """An operator has settled it elsewhere: the payments that it holds are passed over from now on."""
    event = await stripe_events.lock(session, event_id)
    if event.state is StripeEventState.IGNORED:
        return event
    obstacle = webhooks.obstacle_to_settling(event.state)
    if obstacle is not None:
        raise StripeEventNotWaiting(f"{obstacle}: no person is waited for", stripe_event_id=event_id)
    event.state, event.detail, event.settled_at = StripeEventState.IGNORED, reason, now
    return event


async def leave_unasked(session: AsyncSession) -> int:
    """No key is set: what waits to be asked would wait for ever, so a person is told, who may settle it by hand."""
    return await _move(session, StripeEventState.PENDING, StripeEventState.UNASKED, {"detail": NO_KEY})


async def wake_unasked(session: AsyncSession, now: datetime) -> int:
    """A key is set by now."""
    woken = {"detail": None, "next_attempt_at": now}
    return await _move(session, StripeEventState.UNASKED, StripeEventState.PENDING, woken)


async def _move(
    session: AsyncSession, before: StripeEventState, after: StripeEventState, changed: Mapping[str, object]
) -> int:
    moved = update(StripeEvent).where(StripeEvent.state == before).values(state=after, **changed)
    return len((await session.execute(moved.returning(StripeEvent.id))).all())


async def ask_about_open(session: AsyncSession, due_at: datetime, now: datetime) -> None:
    """Has Stripe asked about every invoice that may have been paid there, as if it had told us: a webhook can be lost.

    Once per run of the schedule, which `due_at` names. What is asked already is not asked twice, and what waits for a
    person has another turn instead of a row more for each night.
    """
    open_ = await stripe_events.open_references(session, now - ASKED_FOR)
    await session.execute(
        update(StripeEvent)
        .where(StripeEvent.stripe_invoice_id.in_(open_), StripeEvent.state == StripeEventState.HELD)
        .values(state=StripeEventState.PENDING, next_attempt_at=now)
        .execution_options(synchronize_session=False)
    )
    asked = await stripe_events.pending_references(session, open_)
    questions = [_question(id_, due_at, now) for id_ in open_ if id_ not in asked]
    if questions:
        await session.execute(insert(StripeEvent).on_conflict_do_nothing(index_elements=["event_id"]), questions)


async def wake_unmatched(session: AsyncSession, stripe_invoice_ids: Sequence[str], now: datetime) -> None:
    """The invoices that events waited for have their references now."""
    if not stripe_invoice_ids:
        return
    await lock_references(session, stripe_invoice_ids)
    await session.execute(
        update(StripeEvent)
        .where(StripeEvent.stripe_invoice_id.in_(stripe_invoice_ids), StripeEvent.state == StripeEventState.UNMATCHED)
        .values(state=StripeEventState.PENDING, next_attempt_at=now)
    )


def _question(stripe_invoice_id: str, due_at: datetime, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "event_id": f"sweep:{due_at.isoformat()}:{stripe_invoice_id}",
        "type": "sweep",
        "stripe_invoice_id": stripe_invoice_id,
        "state": StripeEventState.PENDING,
        "received_at": now,
        "next_attempt_at": now,
    }


async def _record(session: AsyncSession, invoice: Invoice, paid: PaidAtStripe, now: datetime) -> _Fault | None:
    """None where it is recorded, now or before. Whatever is owed by now: what Stripe took is in our books, whole."""
    if paid.currency.upper() != CURRENCY:
        return _Fault(paid, "currency_not_kept", f"it is in {paid.currency.upper()}")
    command = RecordPayment(
        invoice_id=invoice.id,
        amount_cents=paid.amount_cents,
        received_at=paid.paid_at,
        method=PaymentMethod.STRIPE,
        by=BY,
        external_payment_ref=paid.reference,
        excess_to_credit=True,
    )
    try:
        await record_payment(session, command, now)
    except Refusal as refusal:
        return _Fault(paid, refusal.code, refusal.detail)
    return None


def _settle(event: StripeEvent, faults: Sequence[_Fault], now: datetime) -> None:
    event.state = StripeEventState.HELD if faults else StripeEventState.PROCESSED
    event.detail = "; ".join(f"{fault.payment.reference}: {fault.detail}" for fault in faults) or None
    event.held_references = [fault.payment.reference for fault in faults]
    event.settled_at = None if faults else now


def _held_event(invoice: Invoice, fault: _Fault, now: datetime) -> InvoicePaymentHeld:
    return InvoicePaymentHeld(
        invoice_id=invoice.id,
        external_payment_ref=fault.payment.reference,
        amount_cents=fault.payment.amount_cents,
        payment_currency=fault.payment.currency.upper(),
        reason_code=fault.code,
        detail=fault.detail,
        held_at=now,
    )


_LOCK_REFERENCES = text(
    """
    SELECT pg_advisory_xact_lock(hashtextextended(key, 0))
    FROM (SELECT key FROM unnest(CAST(:keys AS text[])) AS key ORDER BY key) AS keys
    """
)


async def lock_references(session: AsyncSession, stripe_invoice_ids: Collection[str]) -> None:
    """An event that finds no invoice and an issue that finds no event must not pass each other unseen."""
    await session.execute(_LOCK_REFERENCES, {"keys": [f"billing.stripe:{id_}" for id_ in stripe_invoice_ids]})
