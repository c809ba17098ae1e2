"""What the tests of billing arrange at Stripe: a webhook, what comes of it, and a payment that it told of."""

from collections.abc import Mapping
from uuid import UUID

from chassis.ids import new_id
from services.billing.commands.payments import RecordedPayment, RecordPayment, record_payment
from services.billing.commands.stripe_events import receive_event
from services.billing.domain.statuses import PaymentMethod
from services.billing.domain.webhooks import ReceivedEvent, event_of
from services.billing.settling import StripeSettler
from tests.billing.arrangements import Books
from tests.billing.fake_stripe import FakeStripe


async def webhook(books: Books, event_id: str, stripe_invoice_id: str | None, type_: str = "invoice.paid") -> None:
    async with books.unit() as session:
        await receive_event(session, ReceivedEvent(event_id, type_, stripe_invoice_id), books.clock.now())


async def hear(books: Books, type_: str, about: Mapping[str, object], event_id: str = "evt_1") -> None:
    """As a webhook brings it, to be looked up and compared."""
    event = event_of({"id": event_id, "object": "event", "type": type_, "data": {"object": about}})
    assert event is not None
    async with books.unit() as session:
        await receive_event(session, event, books.clock.now())


async def work_off(books: Books, stripe: FakeStripe) -> int:
    settler, count = StripeSettler(books.database, stripe, books.clock), 0
    while await settler.step():
        count += 1
    return count


async def pay_at_stripe(books: Books, invoice_id: UUID, amount_cents: int) -> RecordedPayment:
    """As the settler records what Stripe has."""
    async with books.unit() as session:
        command = RecordPayment(
            invoice_id=invoice_id,
            amount_cents=amount_cents,
            received_at=books.clock.now(),
            method=PaymentMethod.STRIPE,
            by="stripe",
            external_payment_ref=f"pi_{new_id().hex}",
            excess_to_credit=True,
        )
        return await record_payment(session, command, books.clock.now())
