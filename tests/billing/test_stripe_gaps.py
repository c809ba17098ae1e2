"""Webhooks that never came: a look at Stripe's own list of events finds them, once, whatever comes later."""

from datetime import timedelta
from typing import Any

import pytest

from services.billing.domain.statuses import InvoiceStatus
from services.billing.errors import StripeAway
from services.billing.settling import StripeSettler
from tests.billing.arrangements import NOW, Books
from tests.billing.arrangements_stripe import webhook, work_off
from tests.billing.fake_stripe import FakeStripe


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


def happened(stripe: FakeStripe, event_id: str, stripe_invoice_id: str, days_ago: float, **changed: Any) -> None:
    body = {
        "id": event_id,
        "object": "event",
        "type": "invoice.paid",
        "created": (NOW - timedelta(days=days_ago)).timestamp(),
        "data": {"object": {"object": "invoice", "id": stripe_invoice_id}},
    }
    stripe.happened.append(body | changed)


async def fill(books: Books, stripe: FakeStripe) -> None:
    await StripeSettler(books.database, stripe, books.clock).fill_gaps(books.clock.now())


async def test_what_was_lost_for_three_days_is_found_page_by_page_and_pays_its_invoice(
    books: Books, stripe: FakeStripe
) -> None:
    invoice = await books.issued_invoice(stripe_invoice_id=stripe.add_invoice(9_350))
    stripe_invoice_id = invoice.stripe_invoice_id or ""
    stripe.pay(stripe_invoice_id, 9_350)
    happened(stripe, "evt_too_old", stripe_invoice_id, 31)
    for number in range(5):
        happened(stripe, f"evt_lost_{number}", stripe_invoice_id, 3)
    happened(stripe, "evt_of_no_payment", stripe_invoice_id, 3, type="customer.updated")
    await webhook(books, "evt_lost_1", stripe_invoice_id)
    await fill(books, stripe)
    rows = await books.rows("SELECT event_id, was_missed FROM stripe_events ORDER BY event_id")
    assert [tuple(row) for row in rows] == [(f"evt_lost_{number}", number != 1) for number in range(5)]
    await work_off(books, stripe)
    assert (await books.invoice(invoice.id)).status is InvoiceStatus.PAID
    assert await books.value("SELECT count(*) FROM payments") == 1


async def test_it_is_asked_again_where_stripe_falls_silent_half_way(
    books: Books, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        happened(stripe, f"evt_lost_{number}", "in_of_nobody", 3)
    events, asked = stripe.events, []

    async def silent_on_the_second(*question: Any) -> Any:
        asked.append(question)
        stripe.silent = 1 if len(asked) == 2 else 0
        return await events(*question)

    monkeypatch.setattr(stripe, "events", silent_on_the_second)
    with pytest.raises(StripeAway):
        await fill(books, stripe)
    assert await books.value("SELECT count(*) FROM stripe_events") == 2
    await fill(books, stripe)
    assert await books.value("SELECT count(*) FROM stripe_events WHERE was_missed") == 3


async def test_a_webhook_that_comes_after_all_is_the_same_event(books: Books, stripe: FakeStripe) -> None:
    happened(stripe, "evt_late", "in_of_nobody", 3)
    await fill(books, stripe)
    await webhook(books, "evt_late", "in_of_nobody")
    assert await books.value("SELECT count(*) FROM stripe_events") == 1
